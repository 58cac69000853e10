"""Headings and submissions of a Kobo form."""

UUIDS = ("92eb7237-89d6-4a15-aa71-09ec99279bbb", "d18d0d37-fdd1-4c5f-8d37-cbc86e935322")


HEADINGS = ["start", "end", "today", "username", "phonenumber", "deviceid", "Your name", "Village", "Notes",
            "_Where are you?_latitude", "_Where are you?_longitude", "_Where are you?_altitude",
            "_Where are you?_precision", "Which animals?", "Which animals?/Gaur", "Which animals?/Sambar", "_id",
            "_uuid", "_submission_time", "_submitted_by", "_notes", "_tags", "_index"]  # fmt: skip


def submission(number, *, latitude="21.22", longitude="101.33", precision="4.5", gaur="1", sambar="0"):
    """Return the cells of a submission, with what must never come in."""
    return ["2026-03-17T08:00:00.000+07:00", "2026-03-17T09:00:00.000+07:00", "2026-03-17", "Somchai Jaidee",
            "0812345678", "collect:device9", "Somchai Jaidee", "house 7", "3-1005-01234-56-7", latitude, longitude,
            "600", precision, "Gaur Sambar", gaur, sambar, f"25413587{number}", UUIDS[number], "2026-03-17T10:00:00",
            "ranger_account", "a-secret", "a-secret", str(number + 1)]  # fmt: skip
