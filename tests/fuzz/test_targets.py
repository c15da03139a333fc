"""Each target holds for its corpus, and for what is made of it by small changes."""

from __future__ import annotations

import random

import pytest

from .targets import CORPUS, TARGETS


def test_every_target_has_a_corpus() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus(name: str) -> None:
    """As it is, cut short, doubled, and with some octets changed."""
    chance = random.Random(name)
    target = TARGETS[name]
    for file in sorted((CORPUS / name).iterdir()):
        seed = file.read_bytes()
        target(seed)
        for _ in range(40):
            changed = bytearray(seed)
            for _ in range(chance.randint(1, 3)):
                if changed:
                    changed[chance.randrange(len(changed))] = chance.choice(
                        b'\r\n\0 .:;,<>@"\\=-+aZ09\xff\xc3'
                    )
            cut = chance.randint(0, len(changed))
            target(bytes(changed))
            target(bytes(changed[:cut]))
            target(bytes(changed[cut:] + changed))
