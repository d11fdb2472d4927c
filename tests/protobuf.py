"""Messages of protobuf, field by field: what a scrape or a remote write of native histograms is made of."""

import struct


def varint(number):
    rest, low = number >> 7, number & 0x7F
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def zigzag(number):
    return number << 1 if number >= 0 else ((-number) << 1) - 1


def field(tag, value):
    """A field, by its number; text and messages are bytes."""
    if isinstance(value, bytes):
        return varint(tag << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(tag << 3 | 1) + struct.pack("<d", value)
    return varint(tag << 3) + varint(value)
