"""What a request names as its source."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from atsal.remote.urls import shown_url


class SourceRef(BaseModel):
    """The source of a job: exactly one of these."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"minProperties": 1, "maxProperties": 1, "examples": [{"file": "films:a.mp4"}]},
    )
    upload: str | None = Field(default=None, max_length=64, description="The id of a complete upload.")
    file: str | None = Field(default=None, max_length=1000, description="A file below a named folder: NAME:path.")
    job: str | None = Field(default=None, max_length=64, description="The id of a job, for its source.")
    url: str | None = Field(default=None, max_length=2000, description="A URL that the service may read.")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.as_dict()) != 1:
            raise ValueError("give exactly one of upload, file, job and url")
        return self

    def as_dict(self) -> dict[str, str]:
        """Return the one that is given, by its name."""
        return {name: value for name, value in self if value is not None}


def shown_source(source: Mapping[str, str]) -> dict[str, str]:
    """Return what answers say of a source: a URL without its secrets."""
    return {name: shown_url(value) if name == "url" else value for name, value in source.items()}
