"""Which encoding undeclared bytes are most plausible in, and whether another one is hardly less so.

Their text is judged by how plausible it is in the languages of the region.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from math import log2
from types import MappingProxyType
from typing import Final, NamedTuple
from unicodedata import category

_NOT_TEXT: Final = -14.0
"""Replacement characters, controls, private use."""
_ODD: Final = -10.0
_CAPITAL: Final = -1.5
"""A capital is rarer than its small letter by this."""
_MISPLACED: Final = -6.0
"""Added where the neighbours do not fit."""
_ACCENTS_IN_A_ROW: Final = -3.0

# UTF-8 that somebody had read as windows-1252 long before ("NadÃ¨ge"): the same fault in every right decoding.
_BROKEN_BEFORE: Final = re.compile(
    "[Â-ß][{0}]|[à-ï][{0}][{0}]".format(bytes(range(0x80, 0xC0)).decode("cp1252", "ignore"))
)
_BROKEN: Final = -7.5

# Letters with diacritics, the more frequent in French, German, Iberian, Nordic and Vietnamese labels first.
_LATIN: Final = (
    (-2.5, "é"),
    (-3.4, "èáàäçêíñóöüãô"),
    (-4.0, "ăđươ"),
    (-4.4, "åæøßîïëâõúûùìòýł"),
    (-6.0, "œšžč"),
)
# Tone marks that windows-1258 writes after the vowel.
_VIETNAMESE_TONES: Final = "\u0300\u0301\u0303\u0309\u0323"
_SYMBOLS: Final = (
    (-3.5, "°"),
    (-4.5, "’‘“”–—«»ºª\u00a0、。，：；（）·"),
    (-5.5, "…²³µ×±½¼¾•§©®™€£′″！？【】《》"),
)
_THAI_CONSONANTS: Final = frozenset(map(chr, range(0x0E01, 0x0E2F)))
_THAI_FREQUENT: Final = frozenset("กขคงจชดตทนบปพมยรลวสหอ")
_THAI_RARE: Final = frozenset("ฃฅฆฌฎฏฐฑฒฬฮฤฦ")
_THAI_LEADING: Final = frozenset("เแโใไ")
_THAI_FOLLOWING: Final = frozenset("ะัาำิีึืฺุู็่้๊๋์ํ๎ๅ")
# Frequent characters of running text, place names and natural history; the second line has traditional forms.
_FREQUENT_HAN: Final = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之"
    "进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样"
    "与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位"
    "入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南"
    "给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务"
    "具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布"
    "复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯"
    "院查江型眼王按格养易置派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价严首底液官德随病苏失尔死讲配女黄推显谈罪神艺呢席"
    "含企望密批营项防举球英氧势告李台落木帮轮破亚师围注远字材排供河态封另施减树溶怎止案言士均武固叶鱼波视仅费紧爱左章早朝害续轻服试食充"
    "兵源判护司足某练差致板田降黑犯负击范继兴似余坚曲输修故城夫够送笔船占右财吃富春职觉汉画功巴跟虽杂飞检吸助升阳互初创抗考投坏策古径换"
    "未跑留钢曾端责站简述钱副尽帝射草冲承独令限阿宣环双请超微让控州良轴找否纪益依优顶础载倒房突坐粉敌略客袁冷胜绝析块剂测丝协诉念陈仍罗"
    "盐友洋错苦夜刑移频逐靠混母短皮终聚汽村云哪既距卫停烈央察烧迅境若印洲刻括激孔搞甚室待核校散侵吧甲游久菜味旧模湖货损预阻毫普稳乙妈植"
    "息扩银语挥酒守拿序纸医缺雨吗针刘啊急唱误训愿审附获茶鲜粮斤孩脱硫肥善龙演父渐血欢械掌歌沙刚攻谓盾讨晚粒乱燃矛乎杀药宁鲁贵钟煤读班伯"
    "香介迫句丰培握兰担弦蛋沉假穿执答乐谁顺烟缩征脸喜松脚困异免背星福买染井概慢怕磁倍祖皇促静补评翻肉践尼衣宽扬棉希伤操垂秋宜氢套督振架"
    "亮末宪庆编牛触映雷销诗座居抓裂胞呼娘景威绿晶厚盟衡鸡孙延危胶屋乡临陆顾掉呀灯岁措束耐剧玉赵跳哥季课凯胡额款绍卷齐伟蒸殖永宗苗川炉岩"
    "弱零杨奏沿露杆探滑镇饭浓航怀赶库夺伊灵税途灭赛归召鼓播盘裁险康唯录菌纯借糖盖横符私努堂域枪润幅哈竟熟虫泽脑壤碳欧遍侧寨敢彻虑斜薄庭"
    "纳弹饲伸折麦湿暗荷瓦塞床筑恶户访塔奇透梁刀旋迹卡氯遇份毒泥退洗摆灰彩卖耗夏择忙铜献硬予繁圈雪函亦抽篇阵阴丁尺追堆雄迎泛爸楼避谋吨野"
    "猪旗累偏典馆索秦脂潮爷豆忽托惊塑遗愈朱替纤粗倾尚痛楚谢奋购磨君池旁碎骨监捕弟暴割贯殊释词亡壁顿宝午尘闻揭炮残冬桥妇警综招吴付浮遭徐"
    "您摇谷赞箱隔订男吹园纷唐败宋玻巨耕坦荣闭湾键凡驻锅救恩剥凝碱齿截炼麻纺禁废盛版缓净睛昌婚涉筒嘴插岸朗庄街藏姑贸腐奴啦惯乘恢贡溪峡贡"
    "竹蕨鹿猴猿熊豹虎象鹤鸟鼠蛇蛙龟雀鹰鸦蝶蜂蚁兽犀獐羚麝獭狸狐狼貂雉鹭鸭鹅鲤鲵螈蟾蜥鳄桂滇黔渝贵昆版纳勐腊澜沧怒傣彝苗壮侗瑶佤峨嵋岷岭坡坝峰沟洞"
    "國縣區鄉鎮臺灣園護樹種蘭葉龍鳥魚馬東門車長時來會個們對說這為學發開關後與現於麗嶺濱嶼豐雲廣華義興鹽鐵頭標號館採記錄點氣無實業"
)
_GB2312: Final = ((16, 56, -9.2), (56, 88, -11.2))
"""Rows of the commoner and of the rarer characters, and the logarithm for one of them."""


def log_plausibility(text: str) -> float:
    """Return the logarithm of a rough probability that somebody wrote this text.

    Parameters
    ----------
    text : str
        A field of a table, or a name. ASCII characters cost nothing.

    Returns
    -------
    float
        0 or less. Only differences between decodings of the same bytes mean something.
    """
    text, broken = _BROKEN_BEFORE.subn("e", text)
    total = _BROKEN * broken
    last = len(text) - 1
    for position, letter in enumerate(text):
        if letter > "\x7f":
            before = text[position - 1] if position else " "
            after = text[position + 1] if position < last else " "
            total += _base(letter) + _context(letter, before, after)
    return total


@cache
def _base(letter: str) -> float:
    """Return the logarithm for a letter by itself."""
    table = _table()
    if letter in table:
        return table[letter]
    code = ord(letter)
    kind = category(letter)
    if kind[0] == "C" or letter == "\ufffd":
        return _NOT_TEXT
    if letter.lower() != letter and letter.lower() in table:
        return table[letter.lower()] + _CAPITAL
    if 0x1EA0 <= code <= 0x1EF9:  # Vietnamese letters with a tone
        return -4.0
    if 0x0E80 <= code <= 0x109F or 0x1780 <= code <= 0x17FF:  # Lao, Tibetan, Burmese, Khmer
        return -4.5
    if 0x3041 <= code <= 0x30FF:  # kana
        return -5.5
    if 0x4E00 <= code <= 0x9FFF:
        return _traditional(letter)
    if 0xFF61 <= code <= 0xFF9F:  # half-width katakana
        return -8.5
    if 0x2500 <= code <= 0x259F:  # boxes
        return -12.0
    return -7.5 if kind[0] == "L" and code < 0x250 else _ODD


@cache
def _table() -> dict[str, float]:
    """Return the letters that have a figure of their own."""
    table: dict[str, float] = {}
    for row_start, row_end, figure in _GB2312:
        for row in range(row_start, row_end):
            for cell in range(1, 95):
                letter = bytes((0xA0 + row, 0xA0 + cell)).decode("gb2312", "ignore")
                if letter:
                    table[letter] = figure
    table |= dict.fromkeys(_FREQUENT_HAN, -7.2)
    for figure, letters in (*_LATIN, *_SYMBOLS):
        table |= dict.fromkeys(letters, figure)
    table |= dict.fromkeys(_VIETNAMESE_TONES, -2.0)
    table |= dict.fromkeys(map(chr, range(0x0E01, 0x0E5C)), -8.0)
    table |= dict.fromkeys(map(chr, range(0x0E50, 0x0E5A)), -3.7)  # digits
    table |= dict.fromkeys(_THAI_CONSONANTS, -5.5)
    table |= dict.fromkeys(_THAI_LEADING | _THAI_FOLLOWING | _THAI_FREQUENT, -3.7)
    table |= dict.fromkeys(_THAI_RARE, -7.0)
    return table


def _context(letter: str, before: str, after: str) -> float:
    """Return what the neighbours take from a letter's figure."""
    return sum(_doubts(letter, before, after))


def _doubts(letter: str, before: str, after: str) -> Iterator[float]:
    """Yield a negative figure for each neighbour that does not fit."""
    if letter in _VIETNAMESE_TONES:
        if before.lower() not in _VOWELS:
            yield _MISPLACED
    elif _is_thai(letter):
        if letter in _THAI_FOLLOWING and before not in _THAI_CONSONANTS and before not in _THAI_FOLLOWING:
            yield _MISPLACED
        if letter in _THAI_LEADING and after not in _THAI_CONSONANTS:
            yield _MISPLACED
        if not (_is_thai(before) or _is_thai(after)):
            yield _MISPLACED / 2
        for neighbour in (before, after):
            if neighbour.isalpha() and neighbour < "\u0e00":
                yield _MISPLACED / 2
    elif letter >= "\u2e80":
        if _is_small_latin(before):
            yield _MISPLACED / 2
        if _is_small_latin(after):
            yield _MISPLACED / 2
    elif letter.isalpha() and letter < "\u0250":
        if letter.isupper() and before.isalpha() and (before.islower() or after.islower()):
            yield _MISPLACED
        if before > "\x7f" and before.isalpha():
            yield _ACCENTS_IN_A_ROW
        if not (before.isalpha() or after.isalpha() or after in _VIETNAMESE_TONES):
            yield _MISPLACED / 2
    elif letter == "°":
        if not (before.isdigit() or before in " nN"):
            yield _MISPLACED / 2
        if after.isalpha() and after not in "NSEWCF":
            yield _MISPLACED / 2
    elif before.isalpha() and after.isalpha() and letter not in "’·" and category(letter)[0] in "SPN":
        yield _MISPLACED


_VOWELS: Final = frozenset("aăâeêioôơuưy")


def _is_small_latin(letter: str) -> bool:
    return "a" <= letter <= "z"


def _is_thai(letter: str) -> bool:
    return "\u0e00" <= letter <= "\u0e7f"


def _traditional(letter: str) -> float:
    """Return the logarithm for a character that GB2312 lacks: Big5 and JIS have rows of commoner and rarer ones."""
    commoner = (b"\xa4\x40" <= letter.encode("big5", "ignore") <= b"\xc6\x7e") or (
        b"\x88\x9f" <= letter.encode("cp932", "ignore") <= b"\x98\x72"
    )
    return -9.5 if commoner else -12.5


# Which encoding undeclared bytes are most plausible in, and whether another one is hardly less so.
CANDIDATES: Final = MappingProxyType(
    {
        "utf-8": 0.0,
        "cp1252": 0.0,
        "mac_roman": -1.0,
        "gb18030": 0.0,
        "big5": -1.0,
        "cp874": -1.0,
        "cp1258": -2.0,
        "cp932": -2.0,
        "cp850": -4.0,
    }
)
"""What undeclared text is tried as, with the logarithm of how much rarer than the first; latin-1 is part of cp1252."""
_AS_LIKELY: Final = 12.0
"""Another encoding is hardly less plausible where its logarithm is less than this below the best one's: of the texts of
tests/surveys/test_survey_encodings.py and of single words, none that was misread lay farther below."""
_SAMPLE_FIELDS: Final = 2_000
_SAMPLE_FIELD_BYTES: Final = 400
_MOST: Final = 0.8
# Bytes that no encoding here uses inside a character.
_IN_WORD: Final = re.compile("(?<=[A-Za-z])[^\x00-\x7f](?=[A-Za-z])")
_BETWEEN_FIELDS: Final = re.compile(rb"[\x00-\x1f,\"]+")


class Guess(NamedTuple):
    """An encoding that was guessed.

    Attributes
    ----------
    encoding : str
        The most plausible one.
    rival : str or None
        Another one that is hardly less so, and gives another text.
    """

    encoding: str
    rival: str | None


def guess(sample: bytes) -> Guess:
    """Return the most plausible encoding of a text that is not ASCII.

    Parameters
    ----------
    sample : bytes
        As for `encodings.choose`.
    """
    fields = _weighted_fields(sample)
    if _surely_utf8(fields):
        return Guess("utf-8", None)
    scores = {encoding: _score(fields, encoding) for encoding in CANDIDATES}
    best = max(scores, key=lambda encoding: scores[encoding])  # the first of equals
    texts = [_decode(field, best) for field in fields]
    if best == "utf-8" and not any("\ufffd" in text for text in texts):
        return Guess(best, None)  # other encodings hardly ever have its form by chance
    near = (name for name in scores if name != best and scores[best] - scores[name] < _AS_LIKELY)
    rivals = [name for name in near if [_decode(field, name) for field in fields] != texts]
    return Guess(best, max(rivals, key=lambda name: scores[name], default=None))


def _weighted_fields(sample: bytes) -> dict[bytes, float]:
    """Return the distinct fields that are not ASCII with their weight: a thousand times the same tells little more."""
    counts: Counter[bytes] = Counter()
    for field in _fields(sample):
        if field in counts or len(counts) < _SAMPLE_FIELDS:
            counts[field] += 1
    return {field: 1.0 + log2(count) for field, count in counts.items()}


def _fields(sample: bytes) -> Iterator[bytes]:
    """Yield the fields that are not ASCII, long ones cut."""
    start = 0
    for gap in _BETWEEN_FIELDS.finditer(sample):
        field, start = sample[start : gap.start()], gap.end()
        if not field.isascii():
            yield field[:_SAMPLE_FIELD_BYTES]
    if not sample[start:].isascii():
        yield sample[start:][:_SAMPLE_FIELD_BYTES]


def _score(fields: Mapping[bytes, float], encoding: str) -> float:
    """Return how plausible the fields are in an encoding."""
    return CANDIDATES[encoding] + sum(
        weight * log_plausibility(_decode(field, encoding)) for field, weight in fields.items()
    )


def _decode(field: bytes, encoding: str) -> str:
    """Return a field's text, without the last character where the field was cut in it."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return decoder.decode(field, len(field) < _SAMPLE_FIELD_BYTES)


def _surely_utf8(fields: Mapping[bytes, float]) -> bool:
    """Tell whether most is UTF-8, and too much of it for another encoding to look like it by chance."""
    texts = {_decode(field, "utf-8"): weight for field, weight in fields.items()}
    valid = {text: weight for text, weight in texts.items() if "\ufffd" not in text}
    letters = [letter for text in valid for letter in text if letter > "\x7f"]
    # One letter alone is by chance two of another encoding, but hardly inside a Latin word.
    in_words = len(letters) == sum(len(_IN_WORD.findall(text)) for text in valid)
    enough = len(letters) > 2 or any(letter > "\u07ff" for letter in letters) or (letters and in_words)
    return bool(enough) and sum(valid.values()) >= _MOST * sum(fields.values())
