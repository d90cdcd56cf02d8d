# SPDX-License-Identifier: Apache-2.0
"""The built-in slots of the sentence templates: numbers, dates, times, money and names, spelled out in words."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

DIGITS = "零一二三四五六七八九"
SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
CITIES = (
    "北京 上海 广州 深圳 杭州 南京 成都 重庆 武汉 西安 天津 苏州 长沙 青岛 大连 厦门 宁波 无锡 郑州 济南 "
    "合肥 福州 昆明 哈尔滨 沈阳 长春 石家庄 太原 南昌 贵阳 南宁 海口 三亚 兰州 西宁 银川 拉萨 乌鲁木齐 "
    "香港 澳门 台北 珠海 佛山 东莞 温州 扬州 桂林 洛阳 烟台 绍兴 徐州 呼和浩特 丽江 大理 嘉兴 泉州 中山 "
    "惠州 常州 南通 义乌 开封 保定 唐山"
).split()
COUNTRIES = (
    "中国 美国 英国 法国 德国 日本 韩国 俄罗斯 意大利 西班牙 加拿大 澳大利亚 新西兰 泰国 越南 新加坡 "
    "马来西亚 印度 巴西 埃及 瑞士 瑞典 荷兰 希腊 土耳其 墨西哥 阿根廷 南非 葡萄牙 印度尼西亚 菲律宾 挪威 "
    "丹麦 芬兰 波兰 奥地利 比利时"
).split()
WEEKDAYS = [day + number for day in ("星期", "周", "礼拜") for number in "一二三四五六"] + [
    "星期天",
    "周日",
    "星期日",
    "礼拜天",
]
DAYPARTS = "早上 上午 中午 下午 晚上 凌晨 傍晚 明天早上 今天下午 昨天晚上 明天上午".split()
CURRENCIES = "元 块 块钱 元钱 万元 美元".split()

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third thirtieth"
).split()
MONTHS = "January February March April May June July August September October November December".split()
ENGLISH_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
ENGLISH_CITIES = (
    "London|New York|Paris|Berlin|Boston|Chicago|Sydney|Toronto|Rome|Madrid|Tokyo|Beijing|Shanghai|Hong Kong|Dublin|"
    "Manchester|Seattle|San Francisco|Los Angeles|Vienna|Moscow|Cairo|Singapore|Delhi|Amsterdam|Edinburgh"
).split("|")
ENGLISH_COUNTRIES = (
    "China|England|France|Germany|Spain|Italy|Canada|Japan|India|Brazil|Mexico|Russia|Australia|New Zealand|Ireland|"
    "Scotland|Egypt|Greece|Turkey|Poland|Sweden|Norway|the United States|the Netherlands|Switzerland|South Africa"
).split("|")
ENGLISH_NAMES = (
    "John Mary Tom Anna Peter Susan David Sarah Michael Emma James Lucy Robert Alice Daniel Helen Mark "
    "Jane Paul Kate Henry Laura Sam Nancy George Julia Ben Grace Jack Olivia Martin Rachel Simon Linda "
    "Alex Sophie Andrew Amy Chris Lily"
).split()


def chinese_number(number: int) -> str:
    """0..99,999,999 as it is said: 205 -> 二百零五, 12000 -> 一万二千."""
    if number >= 10_000:
        high, low = divmod(number, 10_000)
        zero = "零" if 0 < low < 1_000 else ""
        return chinese_number(high) + "万" + zero + (chinese_number(low) if low else "")
    said, gap = "", False
    for unit, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit, number = divmod(number, size)
        if digit:
            one = "" if unit == "十" and digit == 1 and not said else DIGITS[digit]
            said += ("零" if gap else "") + one + unit
        gap = bool(said) and not digit
    return said or "零"


def english_number(number: int) -> str:
    """0..999,999 as it is said: 205 -> two hundred and five."""
    if number < 20:
        return ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return TENS[tens - 2] + (f"-{ONES[ones]}" if ones else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    high, low = divmod(number, size)
    joint = " and " if 0 < low < 100 else " "
    return f"{english_number(high)} {name}" + (joint + english_number(low) if low else "")


def _size(rng: Random) -> int:
    top = rng.choice((10, 20, 100, 100, 1000, 10_000))
    number = rng.randrange(1, top)
    return number if number < 100 or rng.random() < 0.5 else number // 50 * 50 or 50


def _digits(rng: Random, count: int) -> str:
    return "".join(rng.choice(DIGITS) for _ in range(count))


def _clock(rng: Random) -> str:
    minute = rng.choice(("", "", "半", "一刻", "十分", "二十分", "四十五分", "零五分", "整", "三十分", "五十分"))
    hour = "两" if (number := rng.randint(1, 12)) == 2 else chinese_number(number)
    return (rng.choice(DAYPARTS) if rng.random() < 0.7 else "") + hour + "点" + minute


def _percent(rng: Random) -> str:
    point = "点" + rng.choice(DIGITS[1:]) if rng.random() < 0.3 else ""
    return "百分之" + chinese_number(rng.randint(1, 100)) + point


def _english_clock(rng: Random) -> str:
    hour = ONES[rng.randint(1, 12)]
    forms = (f"{hour} o'clock", f"half past {hour}", f"a quarter to {hour}", f"{hour} thirty", f"{hour} fifteen", hour)
    return rng.choice(forms) + rng.choice(("", "", " in the morning", " in the evening", " in the afternoon"))


def _english_money(rng: Random) -> str:
    return english_number(_size(rng) + 1) + rng.choice((" dollars", " pounds", " euros", " cents"))


Slot = Callable[[Random], str]

CHINESE: dict[str, Slot] = {
    "num": lambda rng: chinese_number(_size(rng)),
    "small": lambda rng: rng.choice("一两三四五六七八九十"),
    "date": lambda rng: (
        f"{chinese_number(rng.randint(1, 12))}月{chinese_number(rng.randint(1, 31))}{rng.choice('号号日')}"
    ),
    "time": _clock,
    "year": lambda rng: rng.choice(("二零一", "二零二", "一九九", "一九八", "二零零")) + rng.choice(DIGITS) + "年",
    "money": lambda rng: chinese_number(_size(rng)) + rng.choice(CURRENCIES),
    "percent": _percent,
    "surname": lambda rng: rng.choice(SURNAMES),
    "weekday": lambda rng: rng.choice(WEEKDAYS),
    "phone": lambda rng: rng.choice(("一三", "一五", "一八", "一七")) + _digits(rng, 9),
    "city": lambda rng: rng.choice(CITIES),
    "country": lambda rng: rng.choice(COUNTRIES),
}
ENGLISH: dict[str, Slot] = {
    "num": lambda rng: english_number(_size(rng)),
    "small": lambda rng: ONES[rng.randint(2, 10)],
    "date": lambda rng: f"{rng.choice(MONTHS)} {rng.choice(ORDINALS)}",
    "time": _english_clock,
    "money": _english_money,
    "weekday": lambda rng: rng.choice(ENGLISH_DAYS),
    "month": lambda rng: rng.choice(MONTHS),
    "city": lambda rng: rng.choice(ENGLISH_CITIES),
    "country": lambda rng: rng.choice(ENGLISH_COUNTRIES),
    "name": lambda rng: rng.choice(ENGLISH_NAMES),
}
