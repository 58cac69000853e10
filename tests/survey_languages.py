"""Headings, sheet names and words of ten languages, as the tests write surveys; typed apart from the dictionary."""

from typing import Final

TERMS: Final = ("occurrenceID", "eventID", "eventDate", "scientificName", "individualCount", "decimalLatitude",
                "decimalLongitude", "coordinateUncertaintyInMeters", "countryCode", "stateProvince", "locality",
                "recordedBy", "occurrenceRemarks", "samplingProtocol", "sampleSizeValue", "sampleSizeUnit",
                "verbatimCoordinates")  # fmt: skip
_HEADINGS: Final = {
    "en": "Record ID|Survey ID|Date|Scientific name|Count|Latitude|Longitude|Coordinate uncertainty (m)|Country code|"
    "Province|Locality|Observer|Remarks|Survey method|Effort|Effort unit|Coordinates",
    "zh": "记录编号|调查编号|日期|学名|数量|纬度|经度|坐标误差（米）|国家代码|省份|地点|记录人|备注|调查方法|工作量|工作量单位|坐标",
    "th": "รหัสบันทึก|รหัสการสำรวจ|วันที่|ชื่อวิทยาศาสตร์|จำนวน|ละติจูด|ลองจิจูด|ความคลาดเคลื่อน (เมตร)|รหัสประเทศ|"
    "จังหวัด|สถานที่|ผู้บันทึก|หมายเหตุ|วิธีการสำรวจ|ความพยายามในการสำรวจ|หน่วยความพยายาม|พิกัด",
    "vi": "Mã ghi nhận|Mã khảo sát|Ngày|Tên khoa học|Số lượng|Vĩ độ|Kinh độ|Sai số tọa độ (m)|Mã quốc gia|"
    "Tỉnh|Địa điểm|Người ghi nhận|Ghi chú|Phương pháp|Nỗ lực khảo sát|Đơn vị nỗ lực|Tọa độ",
    "lo": "ລະຫັດບັນທຶກ|ລະຫັດການສຳຫຼວດ|ວັນທີ|ຊື່ວິທະຍາສາດ|ຈຳນວນ|ເສັ້ນຂະໜານ|ເສັ້ນແວງ|ຄວາມຄາດເຄື່ອນ (ແມັດ)|ລະຫັດປະເທດ|"
    "ແຂວງ|ສະຖານທີ່|ຜູ້ບັນທຶກ|ໝາຍເຫດ|ວິທີການສຳຫຼວດ|ຄວາມພະຍາຍາມ|ຫົວໜ່ວຍ|ພິກັດ",
    "km": "លេខកូដកំណត់ត្រា|លេខកូដអង្កេត|កាលបរិច្ឆេទ|ឈ្មោះវិទ្យាសាស្ត្រ|ចំនួន|រយៈទទឹង|រយៈបណ្តោយ|កម្រិតលម្អៀង (ម៉ែត្រ)|លេខកូដប្រទេស|"
    "ខេត្ត|ទីកន្លែង|អ្នកកត់ត្រា|កំណត់សម្គាល់|វិធីសាស្ត្រ|ការខិតខំ|ឯកតា|កូអរដោនេ",
    "my": "မှတ်တမ်းအမှတ်|စစ်တမ်းအမှတ်|ရက်စွဲ|သိပ္ပံအမည်|အရေအတွက်|လတ္တီကျု|လောင်ဂျီကျု|တိကျမှု (မီတာ)|နိုင်ငံကုဒ်|"
    "ပြည်နယ်|နေရာ|မှတ်တမ်းတင်သူ|မှတ်ချက်|နည်းလမ်း|ကြိုးပမ်းမှု|ယူနစ်|ကိုဩဒိနိတ်",
    "ms": "ID rekod|ID tinjauan|Tarikh|Nama saintifik|Bilangan|Latitud|Longitud|Ketidakpastian koordinat (m)|Kod negara|"
    "Negeri|Lokasi|Pencatat|Catatan|Kaedah|Usaha tinjauan|Unit usaha|Koordinat",
    "id": "ID catatan|ID survei|Tanggal|Nama ilmiah|Jumlah individu|Lintang|Bujur|Ketidakpastian koordinat (m)|Kode negara|"
    "Provinsi|Lokasi|Pengamat|Keterangan|Metode|Upaya survei|Satuan upaya|Koordinat",
    "fil": "ID ng tala|ID ng sarbey|Petsa|Siyentipikong pangalan|Bilang|Latitud|Longhitud|Kawalang-katiyakan (m)|"
    "Kodigo ng bansa|Lalawigan|Lugar|Nagtala|Puna|Pamamaraan|Pagsisikap|Yunit ng pagsisikap|Koordinado",
}
HEADINGS: Final = {language: dict(zip(TERMS, line.split("|"), strict=True)) for language, line in _HEADINGS.items()}
LANGUAGES: Final = tuple(HEADINGS)
SHEETS: Final = {"en": ("Observations", "Surveys"), "zh": ("观察记录", "调查"), "th": ("บันทึกการพบ", "การสำรวจ"),
                 "vi": ("Ghi nhận", "Khảo sát"), "lo": ("ການພົບເຫັນ", "ການສຳຫຼວດ"), "km": ("កំណត់ត្រា", "ការអង្កេត"),
                 "my": ("မှတ်တမ်း", "စစ်တမ်း"), "ms": ("Rekod", "Tinjauan"), "id": ("Catatan", "Survei"),
                 "fil": ("Mga tala", "Sarbey")}  # fmt: skip
"""What the sheets of occurrences and of events are called."""
TOTAL: Final = {"en": "Total", "zh": "合计", "th": "รวม", "vi": "Tổng cộng", "lo": "ລວມ", "km": "សរុប",
                "my": "စုစုပေါင်း", "ms": "Jumlah", "id": "Jumlah", "fil": "Kabuuan"}  # fmt: skip
NOTE: Final = {
    "en": "Note: one camera was stolen", "zh": "备注：一台相机被盗", "th": "หมายเหตุ: กล้องหายหนึ่งตัว",
    "vi": "Ghi chú: một máy ảnh bị mất", "lo": "ໝາຍເຫດ: ກ້ອງເສຍໜຶ່ງໜ່ວຍ", "km": "កំណត់សម្គាល់៖ ម៉ាស៊ីនថតមួយបាត់",
    "my": "မှတ်ချက် - ကင်မရာတစ်လုံး ပျောက်", "ms": "Catatan: satu kamera hilang", "id": "Keterangan: satu kamera hilang",
    "fil": "Tala: nawala ang isang kamera",
}  # fmt: skip
TITLE: Final = {
    "en": "Camera survey of the dry season", "zh": "旱季红外相机调查", "th": "การสำรวจด้วยกล้องดักถ่ายในฤดูแล้ง",
    "vi": "Điều tra bẫy ảnh mùa khô", "lo": "ການສຳຫຼວດດ້ວຍກ້ອງໃນລະດູແລ້ງ", "km": "ការអង្កេតដោយម៉ាស៊ីនថតនៅរដូវប្រាំង",
    "my": "နွေရာသီ ကင်မရာ စစ်တမ်း", "ms": "Tinjauan kamera musim kering", "id": "Survei kamera musim kemarau",
    "fil": "Sarbey ng kamera sa tag-init",
}  # fmt: skip
MANY: Final = {"en": "many", "zh": "很多", "th": "มาก", "vi": "nhiều", "lo": "ຫຼາຍ", "km": "ច្រើន", "my": "များစွာ",
               "ms": "banyak", "id": "banyak", "fil": "marami"}  # fmt: skip
DIGITS: Final = {"en": "０１２３４５６７８９", "zh": "０１２３４５６７８９", "th": "๐๑๒๓๔๕๖๗๘๙", "vi": "０１２３４５６７８９", "lo": "໐໑໒໓໔໕໖໗໘໙",
                 "km": "០១២៣៤៥៦៧៨៩", "my": "၀၁၂၃၄၅၆၇၈၉", "ms": "０１２３４５６７８９", "id": "０１２３４５６７８９", "fil": "０１２３４５６７８９"}  # fmt: skip
"""Digits that the language's writers use; full-width ones where they use ASCII."""
LOCALITIES: Final = {"en": "old salt lick", "zh": "大象谷东山", "th": "โป่งช้างเก่า", "vi": "Rừng già Cúc Phương",
                     "lo": "ປ່າດົງເກົ່າ", "km": "ព្រៃចាស់", "my": "တောကြီး", "ms": "jenut lama", "id": "hutan tua",
                     "fil": "lumang gubat"}  # fmt: skip
