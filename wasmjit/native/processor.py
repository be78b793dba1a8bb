"""What processor this is, without LLVM: it names the cache entry and chooses among shipped images. On the run path.

/proc/cpuinfo would do too, but reading it takes up to 20 ms on Linux 4.15 to 5.17 (it samples clock rates).
"""

import posix

from wasmjit.native import imagefile

# void identify(u32 out[10]): see tests/native/test_processor.py for its assembly
_IDENTIFY_X86_64 = bytes.fromhex(
    "534989f8b80100000031c90fa241890041894804418950084189c9b80700000031c90fa24189580c4189481041895014"
    "b807000000b9010000000fa2418940184189501cb8010000800fa24189482031c0410fbae11b730531c90f01d0418940245bc3"
)
_AT_HWCAP, _AT_HWCAP2 = 16, 26

# (index of the word, bits that must be set) for each x86-64 level of the psABI, best level first
_LEVELS = (
    ("x86_64-v3", ((1, 1 << 12 | 1 << 22 | 1 << 27 | 1 << 28 | 1 << 29), (3, 1 << 3 | 1 << 5 | 1 << 8), (8, 1 << 5), (9, 6))),
    ("x86_64-v2", ((1, 1 << 0 | 1 << 9 | 1 << 13 | 1 << 19 | 1 << 20 | 1 << 23),)),
)


def features() -> list[int]:
    """Words that tell processors apart whose code differs: 32-bit on x86-64.

    There: leaf 1 eax (model; the stepping is left out), ecx, edx; leaf 7 ebx, ecx, edx; leaf 7.1 eax, edx; leaf
    0x80000001 ecx; XCR0. On AArch64: AT_HWCAP and AT_HWCAP2. Elsewhere nothing.
    """
    machine = posix.uname().machine
    if machine == "x86_64":
        words = imagefile.call_code(_IDENTIFY_X86_64, 10)
        words[0] >>= 4
        return words
    if machine == "aarch64":
        return [imagefile.auxiliary(_AT_HWCAP), imagefile.auxiliary(_AT_HWCAP2)]
    return []


def levels(words: list[int]) -> list[str]:
    """Names of the baseline images that run on a processor with these features, best first."""
    if posix.uname().machine == "aarch64":
        return ["aarch64"]
    if not words:
        return []
    return [name for i, (name, _) in enumerate(_LEVELS) if all(words[k] & bits == bits for _, needed in _LEVELS[i:] for k, bits in needed)]
