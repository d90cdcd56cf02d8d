"""Units and measure words: what stands after a number, and how it is read.

A unit that is not listed here is looked up in the grammar of wetext 0.1.8 (Apache-2.0, bundled, no network).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

#: Read after the number.
UNITS = {
    "nm": "纳米", "μm": "微米", "um": "微米", "mm": "毫米", "cm": "厘米", "dm": "分米", "m": "米", "km": "公里",
    "mm²": "平方毫米", "cm²": "平方厘米", "m²": "平方米", "km²": "平方公里", "cm³": "立方厘米", "m³": "立方米",
    "m2": "平方米", "m3": "立方米", "km2": "平方公里", "㎡": "平方米", "ft": "英尺", "μg": "微克", "mg": "毫克",
    "g": "克", "kg": "千克", "t": "吨", "lb": "磅", "oz": "盎司", "ml": "毫升", "mL": "毫升", "ML": "毫升", "l": "升",
    "L": "升", "h": "小时", "min": "分钟", "s": "秒", "sec": "秒", "ms": "毫秒", "μs": "微秒", "ns": "纳秒",
    "Hz": "赫兹", "hz": "赫兹", "kHz": "千赫兹", "KHz": "千赫兹", "MHz": "兆赫兹", "GHz": "吉赫兹", "V": "伏",
    "kV": "千伏", "mV": "毫伏", "W": "瓦", "kW": "千瓦", "KW": "千瓦", "MW": "兆瓦", "kWh": "千瓦时", "kW·h": "千瓦时",
    "N·m": "牛米", "mAh": "毫安时", "mA": "毫安", "Ω": "欧姆", "kΩ": "千欧", "dB": "分贝", "db": "分贝", "Pa": "帕",
    "kPa": "千帕", "MPa": "兆帕", "hPa": "百帕", "kcal": "千卡", "cal": "卡", "kJ": "千焦", "mol": "摩尔",
    "℃": "摄氏度", "°C": "摄氏度", "℉": "华氏度", "°F": "华氏度", "°": "度", "M": "兆", "KB": "KB", "MB": "兆字节",
    "GB": "GB", "TB": "TB", "Mbps": "兆比特每秒", "fps": "帧每秒", "rpm": "转每分钟", "dpi": "DPI", "px": "像素",
    "mph": "英里每小时", "mmHg": "毫米汞柱", "ppm": "PPM", "ha": "公顷",
}  # fmt: skip
#: Read before the number, in the order speech has it: 每小时一百公里.
RATES = {
    "km/h": "每小时{}公里", "m/s": "每秒{}米", "kg/m³": "每立方米{}千克", "g/ml": "每毫升{}克", "mg/L": "每升{}毫克",
    "m/s²": "{}米每二次方秒", "MB/s": "每秒{}兆字节", "μg/m³": "每立方米{}微克", "mg/kg": "每千克{}毫克",
    "kg/m3": "每立方米{}千克", "μg/m3": "每立方米{}微克", "kWh/d": "每天{}千瓦时", "ml/h": "每小时{}毫升",
}  # fmt: skip
#: Money signs, before the number.
CURRENCIES = {
    "¥": "元", "$": "美元", "US$": "美元", "€": "欧元", "£": "英镑", "HK$": "港元", "NT$": "新台币", "A$": "澳元",
    "C$": "加元", "S$": "新加坡元", "₩": "韩元", "₽": "卢布", "₹": "卢比", "฿": "泰铢", "₫": "越南盾", "kr": "丹麦克朗",
    "Fr": "法郎", "JP¥": "日元", "CN¥": "元",
}  # fmt: skip
CURRENCY_CODES = {
    "RMB": "人民币", "CNY": "元", "USD": "美元", "EUR": "欧元", "GBP": "英镑", "JPY": "日元", "HKD": "港币",
    "AUD": "澳元",
    "CAD": "加元", "CHF": "瑞士法郎", "NOK": "挪威克朗", "SEK": "瑞典克朗", "SGD": "新加坡元", "KRW": "韩元",
    "TWD": "新台币",
}  # fmt: skip

#: After these 2 is 两. Two-character words first: the alternation takes the first that fits.
MEASURE_WORDS = (
    "个半月|个|只|条|张|本|件|台|辆|架|艘|匹|头|位|名|口|家|间|座|栋|幢|套|双|对|副|份|片|块|粒|颗|根|枝|支|把|"
    "杯|瓶|碗|"
    "盘|盒|箱|袋|包|桶|罐|壶|顿|次|回|遍|趟|场|阵|声|句|段|篇|首|幅|笔|批|群|伙|种|类|样|天|年|周|星期|小时|分钟|"
    "秒钟|秒|"
    "岁|元|块钱|毛|角|分钱|米|厘米|毫米|公里|千米|英里|英寸|英尺|公斤|千克|克|吨|斤|升|毫升|亩|公顷|平方|平米|"
    "立方|度|倍|人|"
    "方|种|边|门|封|朵|滴|层楼|轮|节|堂|项|步|棵|株|户|圈|圆|届|代|万|千|亿|处|道|部|成人|居|室|厅|卧|千瓦|兆|"
    "字节|周年|册|枚"
)
#: Numbers before these are counted amounts, so a hyphen between two numbers is a range.
COUNTED = re.compile(
    rf"(?:多)?(?:{MEASURE_WORDS}|[%％‰℃°月日号点时分秒周年楼层级岁万亿千百元倍度]|[A-Za-zμ]{{1,4}}(?![A-Za-z]))"
)


@lru_cache(maxsize=1)
def _grammar() -> Any:  # noqa: ANN401 - wetext has no types
    from wetext import Normalizer

    return Normalizer(lang="zh", operator="tn")


@lru_cache(maxsize=1024)
def by_grammar(amount: str) -> str | None:
    """`amount`, a short number with its unit, as wetext reads it; None where its grammar leaves a part unread."""
    spoken: str = _grammar().normalize(amount)
    return None if re.search(r"[\dA-Za-z]", spoken) else spoken
