"""What a detector writes of pictures, and their deployments."""

DEPLOYMENTS = (
    "deploymentID,folder,latitude,longitude,deploymentStart,deploymentEnd,setupBy\n"
    "d1,park/cam1,21.2,101.3,2026-01-01T00:00:00+07:00,2026-01-31T00:00:00+07:00,Khamla\n"
    "d2,park/cam1/late,21.3,101.4,2026-02-01T00:00:00+07:00,2026-02-11T00:00:00+07:00,Khamla\n"
)


CATEGORIES = {"1": "animal", "2": "person", "3": "vehicle"}


def image(file="park/cam1/a.jpg", *boxes, **more):
    return {"file": file, "detections": [dict(zip(("category", "conf"), box, strict=True)) for box in boxes], **more}


def megadetector(*images, **more):
    return {
        "info": {"format_version": "1.5", "detector": "md"},
        "detection_categories": CATEGORIES,
        "images": images,
        **more,
    }
