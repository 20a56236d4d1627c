"""`atsal report`: a result as one HTML file."""

from pathlib import Path

import click

from atsal.cli.console import output_options, print_line
from atsal.cli.parameters import PATH, isolate_option, overwrite_option, refuse_existing
from atsal.cli.progress import progress_bar
from atsal.errors import ConfigError
from atsal.jobs.atomic_write import atomic_file, create_folder, output_errors


@click.command(epilog="Example: atsal report maps/VIDEO.json -o VIDEO.html.")
@click.argument("manifest", type=PATH)
@click.option("-o", "--output", required=True, type=PATH, help="The .html file to write.")
@click.option("--media", type=PATH, help="The source of the result, where it is not where it was.")
@isolate_option
@overwrite_option
@output_options
def report(manifest: Path, output: Path, media: Path | None, overwrite: bool) -> None:
    """Write a result as one HTML file: pictures, concentration over time, regions, settings.

    MANIFEST is the .json file beside maps that `atsal predict --format npy` wrote.
    """
    from atsal.prediction.options import ReadOptions  # noqa: PLC0415
    from atsal.viewing.report import make_report  # noqa: PLC0415
    from atsal.viewing.saved_result import open_result  # noqa: PLC0415

    if output.suffix.lower() != ".html":
        raise ConfigError(f"{output}: a report is an .html file; give such a name")
    refuse_existing(output, overwrite)
    result = open_result(manifest, media)
    with progress_bar(result.source, ReadOptions(stereo=result.stereo)) as progress:
        text = make_report(result, progress)
    with create_folder(output.parent), output_errors(output), atomic_file(output) as part:
        part.write_text(text, encoding="utf-8")
    print_line(output)
