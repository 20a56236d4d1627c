"""The networks, and the weights that go with them."""

from typing import Literal, get_args

Direction = Literal["head_eye", "head"]  # what maps predict; `directions` explains it
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
