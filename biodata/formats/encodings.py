"""The encoding of a file: the one that was declared, or the one under which its text is most plausible.

Detectors that are trained on web pages fail on herbarium labels (charset_normalizer takes a mac_roman file of the
region for cp775), and a wrong guess is silent. Here every candidate decodes the same bytes, and the text it gives is
scored letter by letter: how probable is this letter beside its neighbours in the languages of the region? The bytes
are the same, so that the sums can be compared.

Texts in legacy Vietnamese fonts (TCVN3, VNI) and in Lao, Khmer or Burmese font encodings cannot be stated from Latin
text with accents; they must be converted before.
"""

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain, repeat
from math import log2
from types import MappingProxyType
from typing import BinaryIO, Final, NamedTuple, NoReturn
from unicodedata import category

import numpy as np

from biodata.core.errors import InputError

# Which encoding undeclared bytes are most plausible in, and whether another one is hardly less so.
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
_LATIN: Final = ((-2.5, "é"), (-3.4, "èáàäçêíñóöüãô"), (-4.0, "ăđươ"), (-4.4, "åæøßîïëâõúûùìòýł"), (-6.0, "œšžč"))
# Tone marks that windows-1258 writes after the vowel.
_VIETNAMESE_TONES: Final = "\u0300\u0301\u0303\u0309\u0323"
_SYMBOLS: Final = ((-3.5, "°"), (-4.5, "’‘“”–—«»ºª\u00a0、。，：；（）·"), (-5.5, "…²³µ×±½¼¾•§©®™€£′″！？【】《》"))
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
                if letter := bytes((0xA0 + row, 0xA0 + cell)).decode("gb2312", "ignore"):
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
        "utf-8": 0.0, "cp1252": 0.0, "mac_roman": -1.0, "gb18030": 0.0, "big5": -1.0, "cp874": -1.0, "cp1258": -2.0,
        "cp932": -2.0, "cp850": -4.0,
    }
)  # fmt: skip
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
    """Return whether most is UTF-8, and too much of it for another encoding to look like it by chance."""
    texts = {_decode(field, "utf-8"): weight for field, weight in fields.items()}
    valid = {text: weight for text, weight in texts.items() if "\ufffd" not in text}
    letters = [letter for text in valid for letter in text if letter > "\x7f"]
    # One letter alone is by chance two of another encoding, but hardly inside a Latin word.
    in_words = len(letters) == sum(len(_IN_WORD.findall(text)) for text in valid)
    enough = len(letters) > 2 or any(letter > "\u07ff" for letter in letters) or (letters and in_words)
    return bool(enough) and sum(valid.values()) >= _MOST * sum(fields.values())


_NAMES: Final = MappingProxyType(
    {
        "cp1252": "windows-1252", "cp874": "windows-874", "cp1258": "windows-1258", "cp932": "windows-31j",
        "mac_roman": "macintosh",
    }
)  # fmt: skip
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its first half
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Encodings that are no text (rot13, zip) or that hide characters from a check of the bytes (UTF-7).
_NOT_TAKEN: Final = frozenset({"utf-7", "punycode", "idna", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})
_CONTROLS: Final = bytes(c for c in range(32) if c not in b"\t\n\r\f\x1a\x1b")
_BINARY: Final = (
    (b"PK\x03\x04", "a zip archive or an .xlsx workbook"), (b"\xd0\xcf\x11\xe0", "an .xls workbook"),
    (b"\x1f\x8b", "a gzip archive"), (b"%PDF", "a PDF"), (b"SQLite format 3\x00", "an SQLite file"),
    (b"\x89PNG", "a picture"), (b"\xff\xd8\xff", "a picture"),
)  # fmt: skip
_SAMPLE_LINE_BYTES: Final = 64 << 10
_LINE_END: Final = re.compile(rb"[\r\n]")


class Choice(NamedTuple):
    """The encoding of a text.

    Attributes
    ----------
    encoding : str
        Python's name of it.
    guessed : bool
        True where neither a mark, nor a declaration, nor the form of UTF-8 tells it.
    rival : str or None
        Another one that is hardly less plausible.
    """

    encoding: str
    guessed: bool = False
    rival: str | None = None

    @property
    def name(self) -> str:
        """What the encoding is called elsewhere; it can be declared so."""
        return _NAMES.get(self.encoding, self.encoding)


def known(name: str, *, file: str) -> str:
    """Return Python's name of a declared text encoding.

    Parameters
    ----------
    name : str
        The encoding as it was declared (`ISO-8859-1`, `windows-874`, `x-mac-roman`, `UTF8`).
    file : str
        Named in the error.

    Raises
    ------
    InputError
        If there is no text encoding of that name (code INPUT_ENCODING_UNKNOWN).
    """
    plain = name.strip().lower()
    plain = {"windows-874": "cp874", "windows-31j": "cp932", "macintosh": "mac_roman"}.get(plain, plain)
    for spelling in (plain, plain.removeprefix("x-")):
        try:
            codec = codecs.lookup(spelling)
        except (LookupError, ValueError):  # ValueError: a NUL in the name
            continue
        if getattr(codec, "_is_text_encoding", True) and codec.name not in _NOT_TAKEN:
            return codec.name
    problem = f"the encoding {name!r} is not known"
    raise InputError(
        problem, file=file, expected=f"one of {', '.join(CANDIDATES)}, utf-16, …", code="INPUT_ENCODING_UNKNOWN"
    )


def choose(sample: bytes, *, declared: str | None = None, file: str) -> str:
    """Choose the encoding of a text.

    A byte order mark decides, then what was declared, then plausibility.

    Parameters
    ----------
    sample : bytes
        The beginning of the text, or what `sample_of` took from all of it.
    declared : str, optional
        The encoding that somebody declared.
    file : str
        Named in the error.

    Returns
    -------
    str
        Python's name of the encoding; `utf-8` where every byte is ASCII. The mark is still in the text.

    Raises
    ------
    InputError
        If the declared encoding is not known (INPUT_ENCODING_UNKNOWN), or if the bytes are no text at all
        (INPUT_NOT_TEXT).
    """
    return chosen(sample, declared=declared, file=file).encoding


def chosen(sample: bytes, *, declared: str | None = None, file: str) -> Choice:
    """Choose the encoding of a text, and say how; parameters and errors as for `choose`."""
    declared = known(declared, file=file) if declared else None
    for mark, encoding in _BYTE_ORDER_MARKS:
        if sample.startswith(mark):
            return Choice(encoding)
    for mark, what in _BINARY:
        if sample.startswith(mark):
            _refuse(what, file)
    if declared:
        return Choice(declared)
    if encoding_without_mark := _utf16_without_mark(sample):
        return Choice(encoding_without_mark)
    beginning = sample[:10_000]
    if len(beginning) - len(beginning.translate(None, _CONTROLS)) > 0.05 * len(beginning):
        _refuse("a binary file", file)
    if sample.isascii():
        return Choice("utf-8")
    found = guess(sample)
    return Choice(found.encoding, found.encoding != "utf-8", found.rival)


def sample_of(stream: BinaryIO, *, block_bytes: int = 1 << 20, enough_bytes: int = 1 << 18) -> bytes:
    """Return the beginning of a text and, from the rest of it, the lines that are not ASCII.

    Parameters
    ----------
    stream : binary file
        Is read from where it stands until enough was found, or to its end.
    block_bytes : int
        How much is read at once.
    enough_bytes : int
        How many bytes of lines that are not ASCII are enough.

    Returns
    -------
    bytes
        At most `block_bytes`, `enough_bytes` and a line.
    """
    block = stream.read(block_bytes)
    beginning, found, size, rest = block, [b""], 0, b""
    while block:
        if block.isascii() and rest.isascii():
            rest = b""  # whatever line goes on in the next block, its beginning tells nothing
        else:
            *lines, rest = _LINE_END.split(rest + block)
            for line in lines:
                if size < enough_bytes and not line.isascii():
                    found.append(line[:_SAMPLE_LINE_BYTES])
                    size += len(found[-1])
            rest = rest[:_SAMPLE_LINE_BYTES]
        if size >= enough_bytes:
            break
        block = stream.read(block_bytes)
    if len(beginning) == block_bytes:  # it may end inside a character
        beginning = beginning[: max(beginning.rfind(b"\n"), beginning.rfind(b"\r")) + 1] or beginning
    if size < enough_bytes and not rest.isascii():
        found.append(rest)
    return beginning + b"\n".join(found)


def _refuse(what: str, file: str) -> NoReturn:
    """Raise the error for pictures, workbooks, archives and other files whose bytes are no letters."""
    problem = f"this is {what}, not a table of text"
    raise InputError(problem, file=file, expected="a comma or tab separated text file", code="INPUT_NOT_TEXT")


def _utf16_without_mark(sample: bytes) -> str | None:
    """Return UTF-16's byte order where NULs stand on one side; stray NULs are no sign."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd + even > 0.05 * len(sample):  # separators and line ends alone are more
        if odd > 20 * even:
            return "utf-16-le"
        if even > 20 * odd:
            return "utf-16-be"
    return None


# A file of any encoding as blocks of UTF-8, with the row of the first byte that is no text.
_COMPARED: Final = 1 << 17
"""Bytes that are compared at once, so that what comes of it stays in the processor's cache."""
_LONG_LINE: Final = 1 << 20
"""Bytes that the rest of a line is looked for in."""


def utf8_blocks(stream: BinaryIO, *, encoding: str, file: str, block_bytes: int = 16 << 20) -> Iterator[bytes]:
    """Yield the text of a file as UTF-8.

    Parameters
    ----------
    stream : binary file
        Read from where it stands; its blocks may end anywhere, also inside a character.
    encoding : str
        Python's name of the encoding; a byte order mark at the beginning is left out.
    file : str
        Named in the error.
    block_bytes : int
        How much is read at once; the first blocks are smaller, so that what works on them side by side starts early.

    Yields
    ------
    bytes
        UTF-8, up to `block_bytes` long; characters are never cut.

    Raises
    ------
    InputError
        At the first byte that is not in the encoding, with its row: the lines before it, counted by LF or, in a block
        without any, by CR (code INPUT_ENCODING_WRONG).

    Notes
    -----
    windows-1258 writes a Vietnamese tone as a character of its own after the vowel; that is put together again
    (Unicode's NFC), since it says nothing of the text.
    """
    blocks = (
        _checked_utf8(stream, file, block_bytes)
        if encoding in {"utf-8", "utf-8-sig"}
        else _transcoded(stream, encoding, file, block_bytes)
    )
    for number, block in enumerate(blocks):
        yield block.removeprefix(codecs.BOM_UTF8) if number == 0 else block


def _transcoded(stream: BinaryIO, encoding: str, file: str, block_bytes: int) -> Iterator[bytes]:
    """Yield the blocks of a file in another encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, held_back = 1, ""
    at_end = False
    sizes = _sizes(block_bytes)
    while not at_end:
        block = stream.read(next(sizes))
        at_end = not block
        try:
            text = decoder.decode(block, at_end)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(encoding, "ignore") if error.start else ""
            raise _wrong(error, line + _lines(before.encode("utf-8", "ignore")), file, encoding) from None
        if encoding == "cp1258":
            text = held_back + text
            cut = len(text) if at_end else _last_letter(text)
            text, held_back = unicodedata.normalize("NFC", text[:cut]), text[cut:]
        if text:
            out = text.encode("utf-8")
            line += _lines(out)
            yield out


def _checked_utf8(stream: BinaryIO, file: str, block_bytes: int) -> Iterator[bytes]:
    """Yield the blocks of a file that is UTF-8 already, cut between characters."""
    rest, line = b"", 1
    for block in _to_line_ends(stream, block_bytes):
        block = rest + block if rest else block
        used = len(block)
        if not block.isascii():
            try:
                _, used = codecs.utf_8_decode(block, "strict", False)
            except UnicodeDecodeError as error:
                raise _wrong(error, line + _lines(block[: error.start]), file, "utf-8") from None
        block, rest = block[:used], block[used:]
        line += _lines(block)
        yield block
    if rest:
        cut_short = UnicodeDecodeError("utf-8", rest, 0, len(rest), "unexpected end of data")
        raise _wrong(cut_short, line, file, "utf-8")


def _to_line_ends(stream: BinaryIO, block_bytes: int) -> Iterator[bytes]:
    """Yield a stream's blocks, each with the rest of its last line, unless that is very long."""
    # To copy a block once more takes as long as to split it into lines, so where it ends is known before it is read.
    can_look_ahead = stream.seekable()
    for size in _sizes(block_bytes):
        if can_look_ahead:
            start = stream.tell()
            stream.seek(start + size)
            stream.readline(min(block_bytes, _LONG_LINE))
            size = stream.tell() - start
            stream.seek(start)
            block = stream.read(size)
        else:
            block = stream.read(size)
            block += stream.readline(min(block_bytes, _LONG_LINE))
        if not block:
            return
        yield block


def _sizes(block_bytes: int) -> Iterator[int]:
    """Yield how much to read next: a fifth, two fifths, … and then always the whole."""
    return chain((max(block_bytes * fifth // 5, 1) for fifth in range(1, 5)), repeat(block_bytes))


def _last_letter(text: str) -> int:
    """Return where the last letter begins, which marks of the next block may belong to."""
    position = max(len(text) - 1, 0)
    while position and unicodedata.combining(text[position]):
        position -= 1
    return position


def _lines(text: bytes) -> int:
    """Return how many lines end in a text: by LF, or by CR where there is none."""
    return count_of(text, "\n") or count_of(text, "\r")


def count_of(text: bytes | memoryview, sign: str) -> int:
    """Return how often an ASCII sign stands in a text; three times as fast as the text's own `count`."""
    codes, pieces = np.frombuffer(text, np.uint8), range(0, len(text), _COMPARED)
    return sum(int(np.count_nonzero(codes[at : at + _COMPARED] == ord(sign))) for at in pieces)


def _wrong(error: UnicodeDecodeError, row: int, file: str, encoding: str) -> InputError:
    """Return the error for a byte that is not in the encoding."""
    found = error.object[error.start : error.end][:8].hex(" ").upper()
    return InputError(
        f"the bytes {found} are not {encoding}",
        file=file,
        row=row,
        expected="save the file in one encoding throughout, or name the right one (encoding=…)",
        code="INPUT_ENCODING_WRONG",
    )
