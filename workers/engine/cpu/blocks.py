"""The blocks of the key-value cache: who uses them, and which beginnings of prompts they hold."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from workers.engine.cpu.decoder import BLOCK_TOKENS


def next_key(before: bytes, ids: Sequence[int]) -> bytes:
    """The key of the block with the tokens `ids` after the block with the key `before` (b"" for the first)."""
    return hashlib.blake2b(before + np.asarray(ids, np.int32).tobytes(), digest_size=16).digest()


def keys_of(ids: Sequence[int]) -> list[bytes]:
    """The keys of the full blocks of `ids`; each depends on all tokens up to its end."""
    keys = [b""]
    for at in range(0, len(ids) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
        keys.append(next_key(keys[-1], ids[at : at + BLOCK_TOKENS]))
    return keys[1:]


class BlockCache:
    """Full blocks are shared by their keys; those that nobody uses are kept until their place is needed."""

    def __init__(self, n_blocks: int) -> None:
        self._free = list(range(n_blocks))
        self._n_users = [0] * n_blocks
        self._keys: dict[int, bytes] = {}
        self._blocks: dict[bytes, int] = {}
        # Unused, but with a key; the one used longest ago first.
        self._idle: OrderedDict[int, None] = OrderedDict()

    @property
    def n_available(self) -> int:
        """How many blocks can be taken."""
        return len(self._free) + len(self._idle)

    def has(self, key: bytes) -> bool:
        """Whether a block has this key."""
        return key in self._blocks

    def find(self, keys: Sequence[bytes]) -> list[int]:
        """The blocks of the longest known beginning of `keys`, used by the caller from now on."""
        found = []
        for key in keys:
            block = self._blocks.get(key)
            if block is None:
                break
            self._n_users[block] += 1
            self._idle.pop(block, None)
            found.append(block)
        return found

    def take(self, n_blocks: int) -> list[int] | None:
        """New blocks for the caller; None if there are not enough."""
        if n_blocks > self.n_available:
            return None
        return [self._take_one() for _ in range(n_blocks)]

    def name(self, block: int, key: bytes) -> None:
        """The block is full and has this key; if another one has it already, that one keeps it."""
        if key not in self._blocks and block not in self._keys:
            self._keys[block], self._blocks[key] = key, block

    def release(self, blocks: Sequence[int]) -> None:
        """The caller no longer uses `blocks`. Of a sequence, the last ones are forgotten first."""
        for block in reversed(blocks):
            self._n_users[block] -= 1
            if self._n_users[block]:
                continue
            if block in self._keys:
                self._idle[block] = None
            else:
                self._free.append(block)

    def _take_one(self) -> int:
        if self._free:
            block = self._free.pop()
        else:
            block, _ = self._idle.popitem(last=False)
            del self._blocks[self._keys.pop(block)]
        self._n_users[block] = 1
        return block
