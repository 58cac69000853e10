"""Scientific names as people, scanners and programs spoil them."""

import random
import re

_SCANNED = [("rn", "m"), ("m", "rn"), ("l", "1"), ("i", "l"), ("o", "0"), ("cl", "d"), ("d", "cl"), ("ii", "u"),
            ("h", "b"), ("e", "c"), ("c", "e"), ("n", "u"), ("u", "n"), ("s", "5"), ("g", "q"), ("t", "f"), ("a", "o"),
            ("li", "h"), ("nn", "m"), ("ri", "n")]  # fmt: skip
_HEARD = [("ph", "f"), ("th", "t"), ("c", "k"), ("k", "c"), ("y", "i"), ("i", "y"), ("ae", "e"), ("ch", "k"),
          ("rh", "r"), ("x", "ks"), ("qu", "kw"), ("z", "s"), ("us", "os"), ("j", "i"), ("w", "v"), ("sch", "sh"),
          ("eu", "ev")]  # fmt: skip
_CYRILLIC = str.maketrans("aeopcxyABEKMHPCT", "аеорсхуАВЕКМНРСТ")
_AUTHORS = [" Linnaeus, 1758", " (Linnaeus, 1758)", " L.", " Blyth, 1855", " (Blume) Lindl.", " Rolfe & Hook.f., 1901"]


def slips(name: str, count: int, rng: random.Random) -> str:
    """Return a name with letters lost, added, changed or swapped; its first letter and the blank stay."""
    for _ in range(count):
        at, letter = rng.randrange(1, len(name)), rng.choice("abcdefghijklmnopqrstuvwxyz")
        if name[at] == " ":
            continue
        lost, more, other = (name[:at] + name[at + 1 :], name[:at] + letter + name[at:],
                             name[:at] + letter + name[at + 1 :])  # fmt: skip
        swapped = name[:at] + name[at + 1] + name[at] + name[at + 2 :] if name[at + 1 : at + 2].strip() else lost
        name = rng.choice([lost, more, other, swapped])
    return name


def _replaced(name: str, table: list[tuple[str, str]], count: int, rng: random.Random) -> str:
    for _ in range(count):
        possible = [pair for pair in table if pair[0] in name[1:]]
        if possible:
            old, new = rng.choice(possible)
            at = name.index(old, 1)
            name = name[:at] + new + name[at + len(old) :]
    return name


def mangled(name: str, rng: random.Random) -> list[str]:
    """Return some sixty ways in which a name of two words is spoilt."""
    genus, epithet = name.split()[:2]
    author = rng.choice(_AUTHORS)
    return [
        *(slips(name, count, rng) for count in (1, 2, 3)), slips(name, 2, rng) + author, slips(name, 3, rng) + author,
        *(_replaced(name, _SCANNED, count, rng) for count in (1, 2)), _replaced(name, _SCANNED, 3, rng) + author,
        *(_replaced(name, _HEARD, count, rng) for count in (1, 2)), _replaced(name, _HEARD, 3, rng) + author,
        genus + epithet, genus + epithet.capitalize(), f"{genus}_{epithet}", f"{genus}-{epithet}", f"{genus}.{epithet}",
        name.lower(), name.upper(), name.swapcase(), "".join(rng.choice((c.lower(), c.upper())) for c in name),
        f"{epithet} {genus}", f"{epithet.capitalize()} {genus.lower()}", f"{genus}, {epithet}", f"{genus[0]}. {epithet}",
        f"{genus[:4]}. {epithet}", f"{genus[:3]} {epithet[:3]}", f"{genus[0]}. {epithet[:4]}.", f"{genus} {epithet[:4]}",
        f"{genus[:5]}. {epithet[:5]}.", (genus[:3] + epithet[:3]).upper(), (genus[:2] + epithet[:2]).upper() + "01",
        epithet, epithet.capitalize(), genus, name[: len(genus) + 4], name[:-3], name[:4] + name[3] + name[4:],
        name.translate(_CYRILLIC), f"{name[:3]}\u200b{name[3:]}", f"{name[:5]}\u00ad{name[5:]}",
        "".join(chr(ord(c) + 0xFEE0) if c != " " else "\u3000" for c in name), f"{genus} cf. {epithet}",
        f"{genus} aff. {slips(epithet, 1, rng)}", f"{genus}? {epithet}", f"{name} {epithet}", f"cf. {slips(name, 1, rng)}",
        f"dead {name.lower()}", f"{name} (juvenile)", name.replace("e", "é").replace("u", "ü"), name.replace(" ", "&nbsp;"),
        re.sub(r"(?<=[a-z])[aeiou](?=[a-z])", "", name), f"{slips(genus, 2, rng)} {slips(epithet, 2, rng)}",
        f"Xanthogenus {epithet}{author}", f"Neo{genus.lower()} {epithet}", name.replace("i", "1").replace("o", "0"),
        f"{genus}\t{epithet}", f'"{name}"', f"({name})", f"{name[:4]} {name[4:]}", f"{genus} {epithet[:4]} {epithet[4:]}",
        f"{genus} × {epithet}", f"{genus} sp. ({epithet})", f"unknown cat ({name})",
    ]  # fmt: skip
