"""LEB128 (spec 5.2.2) of a validated binary: values with the position behind them."""


def unsigned(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
        shift += 7


def signed(data: bytes, at: int) -> tuple[int, int]:
    start = at
    value, at = unsigned(data, at)
    sign = 1 << (7 * (at - start) - 1)
    return (value ^ sign) - sign, at
