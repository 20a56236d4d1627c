"""Camera originals: what a 360° camera records before it is stitched, refused by name."""

from pathlib import Path

from av.container import InputContainer

from atsal.errors import MediaError
from atsal.video.camera_formats import refuse_original
from atsal.video.container import picture_size, picture_streams
from atsal.video.stereo import fits

_INSTA360_END = b"8db42d694ccc418790edff439fe026bf"  # the last bytes of what its cameras write
_GOPRO_SHAPE = 3.05  # of each of its two streams: 4096x1344, 5888x1920
_FISHEYES = "v360=dfisheye:e:ih_fov=190:iv_fov=190"


def refuse_camera_original(path: Path, container: InputContainer, *, sphere: bool) -> None:
    """Raise `MediaError` for pictures straight from the lenses; not where the file says that it is equirectangular."""
    if sphere:
        return
    sizes = [picture_size(stream) for stream in picture_streams(container)]
    twins = len(sizes) > 1 and len(set(sizes)) == 1 and min(sizes[0]) > 0
    width, height = sizes[0] if twins else (0, 1)
    if twins and fits(width / height, _GOPRO_SHAPE):
        raise MediaError(_message(path, "a GoPro camera, which holds parts of a cubemap", "GoPro Player", ""))
    if twins and fits(width / height, 1):
        filters = f'-filter_complex "[0:v:0][0:v:1]hstack,{_FISHEYES}"'
        camera = f"a 360° camera: {len(sizes)} streams of {width}x{height}, a fisheye for each lens"
        raise MediaError(_message(path, camera, "the camera maker's program", filters))
    refuse_original(path)
    if _ends_as_insta360(path):
        camera = "an Insta360 camera, whose picture is one or two fisheyes"
        raise MediaError(_message(path, camera, "Insta360 Studio", f"-vf {_FISHEYES}"))


def _message(path: Path, camera: str, program: str, filters: str) -> str:
    command = (
        f', or, if it holds both fisheyes: ffmpeg -i "{path.name}" {filters} equirectangular.mp4' if filters else ""
    )
    return (
        f"{path}: comes straight from {camera}, and does not say that it is equirectangular; expected an "
        f"equirectangular picture of the whole sphere. Export it as such in {program}{command}"
    )


def _ends_as_insta360(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - len(_INSTA360_END)))
        return file.read() == _INSTA360_END
