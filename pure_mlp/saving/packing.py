"""Tensors as the bytes of a safetensors file, and back. No code is in such a file, so none can run."""

from __future__ import annotations

import ctypes
import hashlib
import json
from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor

__all__ = ["Unreadable", "fingerprint", "pack", "unpack"]

_CODES = {
    **{torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.bool: "BOOL"},
    **{torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8"},
}
_DTYPES = {code: dtype for dtype, code in _CODES.items()}
_ABOUT = "__metadata__"


class Unreadable(ValueError):
    """The bytes are not what `pack` made; the message says why."""


def pack(tensors: Mapping[str, Tensor], about: str) -> bytes:
    """The format of safetensors: the length of a header, the header in JSON, the bytes of the tensors.

    Its metadata are `about`, under "pure_mlp", and the SHA-256 of everything. The widest dtypes come first: all are aligned.

    Args:
        tensors: by name, on any device; dense, real, and of no subclass that holds a part of a larger tensor.
        about: a text.

    Raises:
        ValueError: a tensor that the format cannot hold, with its name.

    >>> unpack(pack({"a": torch.ones(2)}, "two ones"))
    ({'a': tensor([1., 1.])}, 'two ones')
    """
    entries: dict[str, object] = {}
    pieces: list[bytes] = []
    end = 0
    for name, t in sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):
        sharded = hasattr(t, "placements")  # as a DTensor, whose memory is a part of it
        if t.dtype not in _CODES or t.layout is not torch.strided or sharded or name == _ABOUT:
            raise ValueError(f"tensor {name!r} of {str(t.dtype)[6:]}, {type(t).__name__}: a safetensors file cannot hold it")
        whole = t.detach().cpu().resolve_neg().contiguous()
        pieces.append(ctypes.string_at(whole.data_ptr(), whole.nbytes) if whole.nbytes else b"")
        entries[name] = {"dtype": _CODES[t.dtype], "shape": [*t.shape], "data_offsets": [end, end := end + whole.nbytes]}
    data = b"".join(pieces)
    header = json.dumps({_ABOUT: {"pure_mlp": about, "sha256": _digest(about, entries, data)}, **entries}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data


def unpack(content: bytes) -> tuple[dict[str, Tensor], str]:
    """What was given to `pack`.

    Raises:
        Unreadable: the bytes are cut short, changed, or were not made by `pack`.

    >>> unpack(pack({}, "")[:-1])
    Traceback (most recent call last):
    pure_mlp.saving.packing.Unreadable: cut short
    """
    start = 8 + int.from_bytes(content[:8], "little")
    if len(content) < 8 or len(content) < start:
        raise Unreadable("cut short" if content[8:9] in (b"", b"{") else "no safetensors file")
    try:
        entries = json.loads(content[8:start])
        kept = entries.pop(_ABOUT)
        about, digest = str(kept["pure_mlp"]), kept["sha256"]
        end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    except Exception as error:  # a header that someone else wrote may be anything
        raise Unreadable("a header that pure_mlp did not write, or that has changed since") from error
    data = content[start:]
    if digest != _digest(about, entries, data):
        raise Unreadable("cut short" if len(data) < end else "changed since: its checksum is another")
    try:
        return {name: _tensor(data, **entry) for name, entry in entries.items()}, about
    except Exception as error:  # someone who signs nonsense
        raise Unreadable(f"tensors that cannot be ({type(error).__name__})") from error


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 of names, dtypes, shapes and values.

    >>> fingerprint({"a": torch.ones(2)}) == fingerprint({"a": torch.ones(1, 2)})
    False
    """
    return hashlib.sha256(pack(tensors, "")).hexdigest()


def _tensor(data: bytes, dtype: str, shape: list[int], data_offsets: list[int]) -> Tensor:
    begin, end = data_offsets
    if min(shape, default=0) < 0 or prod(shape) * _DTYPES[dtype].itemsize != end - begin or not 0 <= begin <= end <= len(data):
        raise Unreadable(f"{shape} {dtype} in {end - begin} bytes")
    if begin == end:
        return torch.empty(shape, dtype=_DTYPES[dtype])
    return torch.frombuffer(bytearray(data[begin:end]), dtype=_DTYPES[dtype]).reshape(shape)


def _digest(about: str, entries: object, data: bytes) -> str:
    digest = hashlib.sha256(json.dumps([about, entries], sort_keys=True).encode())
    digest.update(data)
    return digest.hexdigest()
