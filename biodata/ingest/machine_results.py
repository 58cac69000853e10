"""What the results of MegaDetector and of SpeciesNet say of a picture: taxa with their score, or why nothing is taken."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeGuard

from biodata.ingest.machine_taxa import ANIMAL, MachineTaxon, of_label


class Found(NamedTuple):
    """One result on a picture: a taxon that is taken, or a code of why it is left out."""

    taxon: MachineTaxon
    score: float | None
    boxes: int | None = None
    code: str | None = None
    value: str | None = None


class MegaDetector:
    """Results of MegaDetector, with or without a classifier's."""

    array, path = "images", "file"

    def __init__(self, values: Mapping[str, Any], min_score: float) -> None:
        self.min_score = min_score
        self.kinds = _named(values, "detection_categories")
        classes, described = (
            _named(values, "classification_categories"),
            _named(values, "classification_category_descriptions"),
        )
        self.taxa = {key: of_label(described.get(key) or name) for key, name in classes.items()}
        told = [values.get(f"info\n{name}") for name in ("detector", "classifier")]
        self.model = " and ".join(name for name in told if isinstance(name, str)) or "MegaDetector"

    def results(self, image: Mapping[str, Any]) -> Iterator[Found]:
        """Yield what was found on a picture: each taxon once; where there is none, one line for all that is left out."""
        boxes = image.get("detections")
        if image.get("failure") or image.get("failures"):
            yield _left_out("PICTURE_FAILED", image.get("failure"))
            return
        if not isinstance(boxes, list) or not all(isinstance(box, dict) for box in boxes):
            yield _left_out("PICTURE_INVALID", "detections")
            return
        found: dict[str, list[tuple[MachineTaxon, float]]] = {}
        out: list[Found] = []
        for box in boxes:
            score = box.get("conf")
            if not is_score(score):
                out.append(_left_out("SCORE_INVALID", score))
                continue
            kind = self.kinds.get(str(box.get("category")), "")
            if score < self.min_score:
                out.append(_left_out("SCORE_LOW", score))
            elif kind.lower() != "animal":
                out.append(_left_out(of_label(kind).left_out or "UNCLASSIFIED_LEFT_OUT", kind))
            else:
                taxon, by = self._classified(box, score)
                if taxon.left_out is not None:
                    out.append(_left_out(taxon.left_out, taxon.common))
                else:
                    found.setdefault(taxon.name or "", []).append((taxon, by))
        for told in found.values():
            taxon, score = max(told, key=lambda one: one[1])
            yield Found(taxon, score, len(told))
        if not found:
            yield (
                max(out, key=lambda one: _WEIGHT.get(one.code or "", 0))
                if out
                else _left_out("BLANK_LEFT_OUT", "blank")
            )

    def _classified(self, box: Mapping[str, Any], score: float) -> tuple[MachineTaxon, float]:
        """Return the best class of a box that is sure enough; an animal where there is none."""
        told = box.get("classifications")
        for one in told if isinstance(told, list) else ():
            if isinstance(one, list) and len(one) == 2 and is_score(one[1]) and one[1] >= self.min_score:
                return self.taxa.get(str(one[0]), ANIMAL), one[1]
            break
        return ANIMAL, score


class SpeciesNet:
    """Results of SpeciesNet: what its ensemble of detector, classifier and map says of each picture."""

    array, path = "predictions", "filepath"

    def __init__(self, values: Mapping[str, Any], min_score: float) -> None:
        del values
        self.min_score = min_score
        self.model = "SpeciesNet"

    def results(self, image: Mapping[str, Any]) -> Iterator[Found]:
        """Yield what was found on a picture."""
        label, score = image.get("prediction"), image.get("prediction_score")
        if label is None and image.get("failures"):
            yield _left_out("PICTURE_FAILED", image.get("failures"))
        elif not isinstance(label, str):
            yield _left_out("PICTURE_INVALID", "prediction")
        elif (taxon := of_label(label)).left_out is not None:
            yield _left_out(taxon.left_out, taxon.common or label)
        elif not is_score(score):
            yield _left_out("SCORE_INVALID", score)
        elif score < self.min_score:
            yield _left_out("SCORE_LOW", score)
        else:
            yield Found(taxon, score)


_WEIGHT: Final = {"PERSON_LEFT_OUT": 4, "VEHICLE_LEFT_OUT": 3, "SCORE_INVALID": 2, "UNCLASSIFIED_LEFT_OUT": 1}
"""Which of several reasons for one picture is told."""


def _left_out(code: str, value: object) -> Found:
    """Return a result that is left out."""
    return Found(ANIMAL, None, code=code, value=None if value is None else str(value)[:200])


def is_score(score: object) -> TypeGuard[float]:
    """Tell whether it is a number between 0 and 1."""
    return isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score) and 0 <= score <= 1


def _named(values: Mapping[str, Any], group: str) -> dict[str, str]:
    """Return a table of names in a file of results."""
    start = f"{group}\n"
    return {
        key.removeprefix(start): name for key, name in values.items() if key.startswith(start) and isinstance(name, str)
    }
