"""The declaration of a data set that does not exist, for what only reads declarations."""

from dataclasses import replace

from atsal.datasets.dataset import Dataset, FoundItems, ItemGaze

_DECLARED = Dataset(
    name="made-up",
    title="Made up",
    stimuli="images",
    items=3,
    observers="8, at least 4 an image",
    directions=("head_eye",),
    events="fixations",
    sampling="100 Hz",
    sigma_deg={"head_eye": 2.0},
    licence="none",
    url="",
    citation="",
    expected_files="",
    find=lambda source: FoundItems(()),
    read=lambda item, direction, stimulus: ItemGaze(),
    start_lonlat_deg=(0.0, 0.0),
)


def declared(**changes):
    """The declaration, with other fields."""
    return replace(_DECLARED, **changes)
