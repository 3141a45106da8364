"""Which headers mean the same column, how sure that is, and why.

In this order: the same spelling; the same but for case, width (full or half), spacing and line breaks; an alias that a
job gives; the same but for punctuation; alone in having the same words before a unit in brackets; a known synonym. Two
names that only look alike, or whose units differ, stay apart and are asked about: a wrong match spoils data silently.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from xltrain.config.settings import Column
from xltrain.data.table import Match
from xltrain.errors import DataError
from xltrain.language import listed, text
from xltrain.place import Place, Problem
from xltrain.registry import unknown

ALIKE = 0.8  # of 1: two names that may be one, misspelt
SHORTEST = 4  # characters: shorter names look alike by chance
_UNIT = re.compile(r"[(\[{（【][^)\]}）】]*[)\]}）】]")
# After a name they make it another thing: 门店编号 is no other word for 门店.
_OTHER_THINGS = {
    "编号",
    "代码",
    "编码",
    "号码",
    "号",
    "率",
    "占比",
    "日期",
    "时间",
    "类型",
    "类别",
    "数量",
    "金额",
    "单价",
    "地址",
    "电话",
}
_IDEOGRAPH = re.compile("[\u3400-\u9fff]")
_SPACE = re.compile(r"[\s_\u200b\ufeff]+")
_SCALES = re.compile("[万亿千百%％‰]|thousand|million|billion|^k$|^k[$€元]", re.I)  # the same number means another size
_SIGNS = re.compile(r"[-.,:;!?/\\|'\"`~*·、，。：；！？—–…“”‘’()\[\]{}<>《》]+")
# One unit a line, the common form first.
_UNIT_NAMES = """
m2 ㎡ m² 平方米 平米 m^2
m3 m³ ㎥ 立方米 m^3
元 rmb cny ¥ 人民币 yuan
kg 公斤 千克
t 吨
% percent 百分比
c ℃ °c 摄氏度
$ usd us$ 美元
€ eur 欧元
h hours 小时
"""
_SAME_UNITS = {word: line.split()[0] for line in _UNIT_NAMES.strip().splitlines() for word in line.split()}
# As one writes them after a number, in capitals or not.
_UNITS_WRITTEN = """
nm μm um mm cm dm m km in inch ft mi nm2 mm2 cm2 m2 km2 ha mm3 cm3 m3 mm^2 cm^2 m^2 mm^3 cm^3 m^3 ml mL cl l L hl
μg ug mg g kg t lb lbs oz N kN MN Nm kNm Pa hPa kPa MPa GPa bar mbar psi atm J kJ MJ GJ cal kcal Wh kWh MWh GWh
W kW MW GW hp V mV kV A mA kA Ah mAh Ω kΩ MΩ ohm F μF nF H Hz kHz MHz GHz dB dBA lx lm cd K C F °C °F ℃ ℉ μs us ms
s sec min h hr hrs d day days week weeks month months year years % ‰ ppm ppb ppmv rpm r mol mmol pH bpm px
$ € £ ¥ USD EUR GBP CNY RMB JPY k$ k€ 元 千元 万元 百万元 亿元 美元 欧元 分 角 秒 分钟 小时 天 日 周 月 年 岁
次 件 个 台 人 套 批 箱 吨 公斤 千克 克 斤 毫克 米 厘米 毫米 公里 千米 升 毫升 度 千瓦时 摄氏度 万 亿 pcs
"""
_KNOWN_UNITS = frozenset(_UNITS_WRITTEN.split())
# Words that mean the same in the tables of offices; the first of each line is any of them.
_SYNONYMS = """
date 日期 datum
quantity qty 数量
amount 金额 总额
price 价格
unitprice 单价
total 合计 总计
customer client 客户 客户名称
customerid customerno 客户编号 客户号
product item 产品 商品 品名 产品名称 商品名称
productid sku 产品编号 商品编号 货号
category 类别 分类
department dept 部门
region 地区 区域
city 城市
province 省份
store shop branch 门店 店铺 分店
address 地址
phone tel telephone mobile 电话 手机 联系电话 手机号
email mail 邮箱 电子邮箱
remark remarks note notes comment comments 备注 说明
status 状态
month 月份
year 年份
sales revenue 销售额 营业额
cost 成本
discount 折扣
gender sex 性别
age 年龄
salesperson seller 销售员 业务员
orderid orderno ordernumber 订单号 订单编号
invoice invoiceno 发票号 发票号码
supplier vendor 供应商
weight 重量
height 高度
length 长度
width 宽度
temperature temp 温度
humidity 湿度
pressure 压力
"""


def key(name: str) -> str:
    """A header without what people write differently."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", name)).casefold()


def bare_key(name: str) -> str:
    """The key without units in brackets."""
    plain = unicodedata.normalize("NFKC", name)
    return key(_UNIT.sub("", plain)) or key(plain)


def find(name: str, names: Sequence[str]) -> str:
    """The one of `names` that `name` is, means, or is the only beginning of, whatever case, width, spacing and signs.

    Raises:
        DataError: none or several match; the nearest names are offered.
    """
    if name in names:
        return name
    wanted, synonym = key(name), _synonyms().get(loose_key(name))
    for same in (
        [each for each in names if key(each) == wanted],
        [each for each in names if bare_key(each) == wanted],
        [each for each in names if loose_key(each) == loose_key(name)],
        [each for each in names if synonym is not None and _synonyms().get(loose_key(_UNIT.sub("", each))) == synonym],
        [each for each in names if wanted and key(each).startswith(wanted)],
    ):
        if len(same) == 1:
            return same[0]
        if same:
            raise DataError(Problem(None, text("column_ambiguous", name=name, known=listed(same))))
    raise DataError(Problem(None, unknown(text("word_column"), name, names)))


@cache
def _synonyms() -> dict[str, int]:
    return {word: number for number, line in enumerate(_SYNONYMS.strip().splitlines()) for word in line.split()}


def loose_key(name: str) -> str:
    """The key without punctuation; signs that say something, such as % and #, stay."""
    return _SIGNS.sub("", key(name)) or key(name)


def unit_of(header: str) -> str:
    """The unit in brackets at the end of a header, in its common form; empty where there is none."""
    found = _UNIT.search(unicodedata.normalize("NFKC", header))
    plain = key(found[0][1:-1]) if found else ""
    return _SAME_UNITS.get(plain, plain)


def shown_unit(header: str) -> str:
    """The unit in brackets at the end of a header as it stands there; empty where what stands there is none known."""
    found = _UNIT.search(header)
    plain = re.split("[,，;；]", found[0][1:-1])[0].strip() if found and not header[found.end() :].strip() else ""
    folded = unicodedata.normalize("NFKC", plain).replace("µ", "μ")
    parts = [part for part in re.split("[/·*]", folded) if part]
    return plain if parts and all(part in _KNOWN_UNITS or key(part) in _SAME_UNITS for part in parts) else ""


@dataclass
class Columns:
    """The columns of the dataset, found while the headers of one sheet after another are matched.

    Columns that a job names come first in the matching, with their aliases; their order in the dataset is that of
    their first appearance in the books. Where they are `expected`, as by a job or model, even the first sheet's headers
    are held against all of them, by synonyms and likeness too.
    """

    given: Sequence[Column] = ()
    names: list[str] = field(default_factory=list)
    _keys: dict[str, str] = field(default_factory=dict)
    _how: dict[str, tuple[float, str]] = field(default_factory=dict)  # how the key of another spelling was matched
    _aliases: dict[str, str] = field(default_factory=dict)
    _loose: dict[str, set[str]] = field(default_factory=dict)
    _bare: dict[str, set[str]] = field(default_factory=dict)
    _units: dict[str, str] = field(default_factory=dict)
    _seen_units: set[str] = field(default_factory=set)  # columns of sheets, whose unit is told or known to be untold
    expected: bool = False

    def __post_init__(self) -> None:
        for column in self.given:
            self._learn(column.name, column.name)
            for each in column.aliases:
                self._aliases.setdefault(key(each), column.name)

    def match(
        self, headers: Mapping[int, str], place: Place, units: Mapping[int, str] | None = None
    ) -> tuple[dict[int, str], dict[int, Match], list[Problem]]:
        """Column number -> name in the dataset, new ones added; how each was matched; a question for each doubtful one.

        `units` are those that stand in a row of their own.
        """
        units = {column: (units or {}).get(column, "") or unit_of(header) for column, header in headers.items()}
        found: dict[int, str] = {}
        matches: dict[int, Match] = {}
        doubts: list[Problem] = []
        for step in (self._by_spelling, self._by_alias, self._by_punctuation, self._by_unit, self._by_synonym):
            taken = set(found.values())
            for column, header in headers.items():
                if column in found:
                    continue
                name, score, reason = step(header, units[column], taken)
                if name:
                    found[column] = name
                    taken.add(name)
                    matches[column] = Match(header, score, reason)
                    self._how.setdefault(key(header), (score, reason))
        new = [column for column in headers if column not in found]
        missing = [name for name in self._wanted() if name not in set(found.values())]
        for column in new:
            header = headers[column]
            where = Place(place.file, place.sheet, place.row, column)
            other = self._question(header, units[column], missing)
            if other:
                doubts.append(Problem(where, *other))
            name = header
            while name in self.names or name in found.values():
                name = f"{header} ({units[column] or len(self.names) + 1})" if name == header else f"{name}_"
            found[column] = name
            matches[column] = Match(header)
        for column in headers:
            self._learn(headers[column], found[column])
            if units[column]:
                self._units.setdefault(found[column], _common(units[column]))
            self._seen_units.add(found[column])
            if found[column] not in self.names:
                self.names.append(found[column])
        return dict(sorted(found.items())), matches, doubts

    def _wanted(self) -> list[str]:
        """The names that a header may be meant for."""
        given = [column.name for column in self.given] if self.expected else []
        return list(dict.fromkeys([*self.names, *given]))

    def known(self, headers: Iterable[str]) -> float:
        """How many of these headers are columns already; one that is like a column counts half."""
        taken: set[str] = set()
        left = []
        for header in headers:
            for step in (self._by_spelling, self._by_alias, self._by_punctuation, self._by_unit, self._by_synonym):
                name, _, _ = step(header, unit_of(header), taken)
                if name and name in self.names:
                    taken.add(name)
                    break
            else:
                left.append(header)
        missing = [name for name in self.names if name not in taken]
        return len(taken) + 0.5 * sum(self._question(header, "", missing) is not None for header in left)

    def unused(self) -> list[Column]:
        """The columns that a person names, which no sheet has."""
        return [column for column in self.given if column.name not in self.names]

    def _by_spelling(self, header: str, unit: str, taken: set[str]) -> tuple[str, float, str]:
        name = self._keys.get(key(header), "")
        if not name or name in taken or not self._same_unit(name, unit):
            return "", 0.0, ""
        if key(name) != key(header):  # seen before, and matched then
            return name, *self._how.get(key(header), (0.98, "match_spelling"))
        return (name, 1.0, "") if name == header else (name, 0.98, "match_spelling")

    def _by_alias(self, header: str, unit: str, taken: set[str]) -> tuple[str, float, str]:
        name = self._aliases.get(key(header), "")
        return (name, 1.0, "match_alias") if name and name not in taken else ("", 0.0, "")

    def _by_punctuation(self, header: str, unit: str, taken: set[str]) -> tuple[str, float, str]:
        alike = {name for name in self._loose.get(loose_key(header), set()) - taken if self._same_unit(name, unit)}
        return _one(alike, 0.95, "match_punctuation")

    def _by_unit(self, header: str, unit: str, taken: set[str]) -> tuple[str, float, str]:
        alike = {name for name in self._bare.get(bare_key(header), set()) - taken if self._same_unit(name, unit)}
        return _one(alike, 0.9, "match_unit")

    def _by_synonym(self, header: str, unit: str, taken: set[str]) -> tuple[str, float, str]:
        group = _synonyms().get(loose_key(_UNIT.sub("", header)))
        if group is None:
            return "", 0.0, ""
        alike = {
            name
            for name in self._wanted()
            if name not in taken
            and _synonyms().get(loose_key(_UNIT.sub("", name))) == group
            and self._same_unit(name, unit)
        }
        return _one(alike, 0.85, "match_synonym")

    def _same_unit(self, name: str, unit: str) -> bool:
        """Whether a column's unit and another do not differ; where one is not told, it must not be one of scale."""
        known = self._units.get(name, "") or unit_of(name)
        if known and unit:
            return _common(known) == _common(unit)
        return name not in self._seen_units or not _SCALES.search(known or unit)

    def _question(self, header: str, unit: str, missing: Sequence[str]) -> tuple[str, str] | None:
        """What to ask about a header that is like a column which this sheet lacks."""
        for name in missing:
            if key(name) == key(header):
                known = self._units.get(name, "") or text("empty_key")
                return text("doubt_unit_row", name=name, unit=unit, known=known), text("doubt_banner_hint")
            if bare_key(name) == bare_key(header):
                return text("doubt_unit", header=header, name=name), text("doubt_unit_hint", header=header, name=name)
        plain = bare_key(header)
        longer = next((name for name in missing if _is_part(plain, bare_key(name))), "")
        if longer:
            return text("doubt_alike", header=header, name=longer), text("doubt_alike_hint", header=header, name=longer)
        if len(plain) < SHORTEST and not (len(plain) >= 3 and not plain.isascii()):
            return None
        best, nearest = ALIKE if plain.isascii() else 0.74, ""
        for name in missing:
            other = bare_key(name)
            if len(other) < 3 or _digits(plain) != _digits(other):
                continue
            score = difflib.SequenceMatcher(None, plain, other).ratio()
            if score >= best:
                best, nearest = score, name
        if not nearest:
            return None
        return text("doubt_alike", header=header, name=nearest), text("doubt_alike_hint", header=header, name=nearest)

    def _learn(self, header: str, name: str) -> None:
        self._keys.setdefault(key(header), name)
        self._loose.setdefault(loose_key(header), set()).add(name)
        self._bare.setdefault(bare_key(header), set()).add(name)


def made_unique(headers: Mapping[int, str], place: Place) -> tuple[dict[int, str], list[Problem]]:
    """Headers that stand twice on a sheet get a number; and a doubt for each."""
    first: dict[str, int] = {}
    known = {key(header) for header in headers.values()}
    found: dict[int, str] = {}
    doubts = []
    for column, header in headers.items():
        earlier = first.setdefault(key(header), column)
        name, number = header, 1
        while earlier != column and key(name) in known:
            number += 1
            name = f"{header} ({number})"
        found[column] = name
        if earlier != column:
            known.add(key(name))
            other = Place("", "", place.row, earlier).address
            where = Place(place.file, place.sheet, place.row, column)
            doubts.append(
                Problem(
                    where, text("header_stands_twice", name=header, other=other), text("header_twice_hint", name=name)
                )
            )
    return found, doubts


def _is_part(one: str, other: str) -> bool:
    """Whether one of two names begins or ends with the other, as 门店 and 门店名称 do, in a script without spaces."""
    short, long = sorted((one, other), key=len)
    if len(short) < 2 or len(short) == len(long) or not all(_IDEOGRAPH.match(sign) for sign in short):
        return False
    rest = long.removeprefix(short) if long.startswith(short) else long.removesuffix(short)
    return len(rest) <= 2 and rest not in _OTHER_THINGS and not _digits(rest)


def _one(names: set[str], score: float, reason: str) -> tuple[str, float, str]:
    return (next(iter(names)), score, reason) if len(names) == 1 else ("", 0.0, "")


def _common(unit: str) -> str:
    return _SAME_UNITS.get(key(unit), key(unit))


def _digits(word: str) -> list[str]:
    return re.findall(r"\d+|[一二三四五六七八九十]+", word)
