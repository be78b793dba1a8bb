"""The packed form of units, as the optimizer writes them and the code cache keeps them (little-endian, parts in this order, without gaps):

    PackedUnit   header, 64 bytes
    blob         code, then read-only data: position independent, without imports; runs at a multiple of 4096
    UnitEntry    x entries   what can be entered, strictly ascending by function, then loop; at least one
    UnitLine     x lines     strictly ascending offsets below `text`: from here up to the next row the code belongs to the site
    UnitSite     x sites     number 1 first
    UnitFrame    x frames    those of each site in a row, innermost first
    UnitExit     x exits     by number, which is where its counter is
    u32          x forms     functions whose profiled form the exits' descriptors know offsets of
    bytes        x extra     not read here

`digest` is `native.imagefile.digest` of the whole: of everything behind the first 16 bytes.
"""

from wasmjit.native.lang import struct, u32, u64

MAGIC = int.from_bytes(b"wjunit\0\1", "little")
NONE = 0xFFFF_FFFF


@struct
class PackedUnit:
    magic: u64
    digest: u64
    size: u32  # bytes of all
    machine: u32  # ELF's e_machine: imagefile.ELF_MACHINES
    module: u32  # bytes of the module's binary
    text: u32  # bytes of the blob that are code
    blob: u32  # bytes of the blob, a multiple of 16
    entries: u32
    lines: u32
    sites: u32
    frames: u32
    exits: u32
    forms: u32
    extra: u32  # bytes


@struct
class UnitEntry:
    function: u32
    loop: u32  # offset in the binary of the loop instruction; 0: the body
    native: u32  # offset in the blob of the body or OSR entry
    i2c: u32  # offset of the adapter that takes arguments from slots; NONE for a loop


@struct
class UnitLine:
    offset: u32  # in the blob
    site: u32  # 0: no frame (adapters)


@struct
class UnitSite:
    frame: u32  # index of its first frame
    count: u32  # 1 or more


@struct
class UnitFrame:
    function: u32
    wasm: u32  # offset in the binary of the instruction


@struct
class UnitExit:
    function: u32  # of the innermost frame
    wasm: u32  # where that goes on: offset in the binary of the instruction
    reason: u32  # the optimizer's
