"""What a file says of its own picture is followed, or refused by name; what was done is told."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from atsal.errors import MediaError
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from fakes import mp4

SPHERE = mp4.sv3d(mp4.equi())
CASES = next((p / "shared/cases/media" for p in Path(__file__).parents if (p / "shared/cases").is_dir()), None)


def two_views(clips, layout, number, view):
    views = [clips.picture(number, *view), clips.picture(255 - number, *view)]
    return np.concatenate(views, axis=0 if layout == "top-bottom" else 1)


@pytest.fixture
def made(clips):
    """A clip of five frames, stating what is given; of two views where `layout` is, the other view inverted."""

    def make(boxes=b"", size=(128, 64), layout=None, **options):
        def paint(number, width, height):
            if layout is None:
                return clips.picture(number, width, height)
            view = (width, height // 2) if layout == "top-bottom" else (width // 2, height)
            return two_views(clips, layout, number, view)

        path = clips.make(frames=5, size=size, paint=paint, container_options=mp4.BACK, **options)
        return mp4.put_in_entry(path, boxes) if boxes else path

    return make


def numbers(clips, path, **options):
    return [clips.number(frame.image) for frame in read_frames(path, **options)]


@pytest.mark.parametrize("projection", [SPHERE, b""])
@pytest.mark.parametrize(
    ("mode", "layout", "size", "eye"),
    [
        (1, "top-bottom", (128, 64), (128, 64)),
        (1, "top-bottom", (128, 128), (128, 64)),
        (2, "left-right", (128, 64), (128, 64)),
        (2, "left-right", (256, 64), (128, 64)),
        (0, None, (64, 64), (128, 64)),
        (0, None, (128, 64), (128, 64)),
    ],
)
def test_the_stated_layout_counts_not_the_shape(clips, made, projection, mode, layout, size, eye):
    path = made(mp4.st3d(mode) + projection, size, layout)
    info = probe_video(path)
    assert (info.stereo, info.view.source, info.eye_size) == (layout or "mono", "file", eye)
    assert numbers(clips, path) == list(range(5))
    assert numbers(clips, path, size=(64, 32)) == list(range(5))
    assert next(read_frames(path)).image.shape == (eye[1], eye[0], 3)
    assert any("as the file says" in note for note in info.notes) == (layout is not None or size == (64, 64))


def test_a_stated_sphere_is_stretched_whatever_its_shape(clips, made):
    path = made(mp4.st3d(0) + SPHERE, (128, 96))
    assert probe_video(path).eye_size == (192, 96)
    assert "stretched to 192x96" in probe_video(path).notes[0]
    with pytest.raises(MediaError, match=r"16\.00:1"):
        probe_video(made(mp4.st3d(0) + SPHERE, (512, 32)))
    with pytest.raises(MediaError, match=r"1\.33:1.*The file says that it is mono"):
        probe_video(made(mp4.st3d(0), (128, 96)))


def test_a_sphere_without_a_layout_is_judged_by_its_shape(made):
    assert probe_video(made(SPHERE, (128, 128), "top-bottom")).view.source == "shape"
    assert probe_video(made(SPHERE, (128, 128), "top-bottom")).stereo == "top-bottom"


@pytest.mark.parametrize(
    ("boxes", "size", "layout", "guess"),
    [
        (b"", (128, 64), None, "taken as one view (mono) by its shape 128x64"),
        (SPHERE, (128, 64), None, "taken as one view (mono) by its shape 128x64"),
        (b"", (128, 128), "top-bottom", "taken as two views, top-bottom, by its shape 128x128"),
        (b"", (256, 64), "left-right", "taken as two views, left-right, by its shape 256x64"),
        (mp4.st3d(0), (128, 64), None, None),
        (mp4.st3d(1), (128, 128), "top-bottom", None),
    ],
)
def test_every_guess_of_a_layout_is_told(made, boxes, size, layout, guess):
    path = made(boxes, size, layout)
    remarks = probe_video(path).remarks
    assert [remark for remark in remarks if "by its shape" in remark] == [
        remark for remark in remarks if guess is not None and remark.startswith(guess)
    ]
    assert any("by its shape" in remark for remark in remarks) == (guess is not None)
    chosen = probe_video(path, layout or "mono")
    assert not any("by its shape" in remark for remark in chosen.remarks)


def test_the_right_view_may_come_first(clips, made):
    path = made(mp4.st3d(4) + SPHERE, (256, 64), "left-right")
    info = probe_video(path)
    assert info.view.crop == (128, 0, 128, 64)
    assert "which is the second" in info.notes[0]
    assert numbers(clips, path) == [255 - number for number in range(5)]


def test_the_option_wins_and_is_told(clips, made):
    path = made(mp4.st3d(0) + SPHERE, (128, 64), "top-bottom")
    assert numbers(clips, path, stereo="top-bottom") == list(range(5))
    notes = probe_video(path, "top-bottom").notes
    assert "the file says mono, but top-bottom was asked for" in notes
    assert probe_video(made(size=(64, 64)), "mono").eye_size == (128, 64)
    with pytest.raises(MediaError, match="fits stereo='left-right'"):
        probe_video(made(size=(256, 64)), "mono")


Q = mp4.QUARTER


@pytest.mark.parametrize("stereo", ["auto", "left-right", "mono"])
@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (mp4.st3d(2) + mp4.sv3d(mp4.equi(left=Q, right=Q)), r"VR180.*v360=hequirect:e:in_stereo=sbs:out_stereo=2d"),
        (mp4.sv3d(mp4.equi(bottom=2**30)), r"a part of a panorama only \(cut off: left 0 %.*bottom 25 %\)"),
        (mp4.sv3d(mp4.box(b"cbmp", bytes(8), full=True)), r"a cubemap.*v360=c3x2:e equi"),
        (mp4.st3d(2) + mp4.sv3d(mp4.box(b"mshp", bytes(12), full=True)), r"a mesh.*v360=fisheye:e:ih_fov"),
        (mp4.sv3d(mp4.box(b"abcd", bytes(12), full=True)), r"cannot be read \(\['abcd'\]\)"),
        (mp4.st3d(3) + mp4.sv3d(mp4.box(b"mshp", bytes(12), full=True)), "a mesh"),
        (mp4.st3d(3) + SPHERE, r"layout that is not known here \(stereo mode 3\)"),
        (mp4.st3d(9), r"layout that is not known here \(stereo mode 9\)"),
    ],
)
def test_other_projections_are_refused_by_name(made, boxes, message, stereo):
    path = made(boxes)
    with pytest.raises(MediaError, match=message):
        probe_video(path, stereo)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"StereoMode": "top-bottom"}, "top-bottom"),
        ({"StereoMode": "left-right"}, "left-right"),
        ({"StereoMode": "mono"}, "mono"),
        ({}, "mono"),
        ({"ProjectionType": "cubemap"}, "the projection 'cubemap'"),
        ({"FullPanoWidthPixels": 128, "FullPanoHeightPixels": 64, "CroppedAreaImageWidthPixels": 128}, "mono"),
        (
            {"FullPanoWidthPixels": 256, "FullPanoHeightPixels": 64}
            | {"CroppedAreaImageWidthPixels": 128, "CroppedAreaLeftPixels": 64},
            "VR180",
        ),
        ({"FullPanoWidthPixels": 128, "FullPanoHeightPixels": 100, "CroppedAreaTopPixels": 36}, "part of a panorama"),
        ({"FullPanoWidthPixels": "1" * 400, "FullPanoHeightPixels": "x"}, "mono"),
    ],
)
def test_the_xml_of_version_1(clips, values, found):
    path = mp4.put_in_track(clips.make(frames=3, container_options=mp4.BACK), mp4.v1(**values))
    if found in ("mono", "top-bottom", "left-right"):
        info = probe_video(path)
        assert (info.stereo, info.eye_size, info.spherical_tagged) == (found, (128, 64), True)
        return
    with pytest.raises(MediaError, match=found):
        probe_video(path)


def test_a_pose_is_told_and_not_applied(clips, made):
    path = made(mp4.st3d(0) + mp4.sv3d(mp4.equi(), (10, 40, -25)))
    assert any("yaw 10°, pitch 40°, roll -25°; this is not applied" in note for note in probe_video(path).notes)
    assert numbers(clips, path) == list(range(5))


@pytest.mark.parametrize("name", ["left-right", "top-bottom", "right_left", "anaglyph_cyan_red", "row_interleaved_lr"])
def test_matroska_states_its_layout(clips, name):
    mode = {"left-right": "left_right", "top-bottom": "top_bottom"}.get(name, name)
    size = (128, 128) if name == "top-bottom" else (256, 64)
    layout = "top-bottom" if name == "top-bottom" else "left-right"
    source = clips.make(frames=5, size=size, paint=lambda n, *_: two_views(clips, layout, n, (128, 64)))
    path = clips.folder / "stated.mkv"
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        stream.metadata["stereo_mode"] = mode
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    if "_" not in name or name == "right_left":
        assert (probe_video(path).stereo, probe_video(path).view.source) == (layout, "file")
        first = 255 if name == "right_left" else 0
        assert clips.number(next(read_frames(path)).image) == first
        return
    with pytest.raises(MediaError, match="anaglyph" if "anaglyph" in name else "lines of the left and right view"):
        probe_video(path)


TURNS = [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0), (-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0)]


@pytest.mark.parametrize("matrix", [*TURNS, (0, -1, -1, 0)])
def test_a_display_matrix_is_followed(clips, matrix):
    a, b, c, d = matrix
    size = (64, 128) if a == 0 else (128, 64)
    rows, columns = np.indices(size[::-1])
    stored = (columns * 40 // size[0] * 4 + rows * 20 // size[1] * 4).astype(np.uint8)
    path = clips.make(
        frames=2,
        size=size,
        paint=lambda *_: np.repeat(stored[..., None], 3, 2),
        container_options=mp4.BACK,
        options={"qp": "0"},
    )
    mp4.set_matrix(path, *matrix)
    x, y = a * columns + c * rows, b * columns + d * rows  # where each stored pixel is shown
    shown = np.zeros((64, 128), np.uint8)
    shown[y - y.min(), x - x.min()] = stored
    found = next(read_frames(path)).image
    assert found.shape == (64, 128, 3)
    assert np.abs(found[..., 1].astype(int) - shown).max() <= 4
    assert bool(probe_video(path).notes) == (matrix != (1, 0, 0, 1))


def test_a_slanting_matrix_is_refused(clips):
    path = mp4.set_matrix(clips.make(frames=2, container_options=mp4.BACK), 0.9659, 0.2588, -0.2588, 0.9659)
    with pytest.raises(MediaError, match=r"turned by 15\.0°.*multiple of 90°"):
        probe_video(path)


def with_pixels(clips, size, shape, codec="libx264", name="pixels.mp4"):
    path = clips.folder / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.sample_aspect_ratio = shape
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(clips.picture(number, *size), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["pixels.mp4", "pixels.mkv"])
@pytest.mark.parametrize(
    ("size", "shape", "stereo", "eye"),
    [
        ((128, 128), Fraction(2), "mono", (256, 128)),
        ((128, 72), Fraction(9, 8), "mono", (144, 72)),
        ((128, 96), Fraction(3, 4), "top-bottom", (128, 64)),
        ((128, 64), Fraction(8, 9), "mono", (128, 64)),  # scaled to 2:1 and marked as 16:9, as FFmpeg's scale does
    ],
)
def test_pixels_that_are_not_square(clips, name, size, shape, stereo, eye):
    path = with_pixels(clips, size, shape, name=name)
    info = probe_video(path)
    assert (info.stereo, info.eye_size) == (stereo, eye)
    assert numbers(clips, path) == [0, 1, 2]
    assert any(str(shape) in note for note in info.notes)


def streams(clips, *sizes, default=()):
    path = clips.folder / "several.mp4"
    with av.open(str(path), "w") as container:
        made = []
        for number, size in enumerate(sizes):
            stream = container.add_stream("libx264", rate=30)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.disposition = av.stream.Disposition.default if number in default else 0
            made.append(stream)
        for frame_number in range(3):
            for number, stream in enumerate(made):
                picture = clips.picture(10 * number + frame_number, *sizes[number])
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = frame_number, Fraction(1, 30)
                container.mux(stream.encode(frame))
        for stream in made:
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("sizes", "default", "used"),
    [
        (((128, 64), (256, 128)), (1,), 1),
        (((256, 128), (128, 64)), (0,), 0),
        (((128, 64), (256, 128)), (0, 1), 1),
        (((128, 64), (256, 128), (192, 96)), (0, 2), 2),
    ],
)
def test_the_default_stream_or_the_largest_is_used(clips, sizes, default, used):
    path = streams(clips, *sizes, default=default)
    info = probe_video(path)
    assert (info.width, info.height) == sizes[used]
    assert f"holds {len(sizes)} video streams; stream {used} " in info.notes[0]
    assert numbers(clips, path) == [10 * used + number for number in range(3)]


def test_camera_originals_are_refused_by_name(clips):
    with pytest.raises(MediaError, match=r"2 streams of 128x128, a fisheye for each lens.*hstack,v360=dfisheye"):
        probe_video(streams(clips, (128, 128), (128, 128), default=(0,)))
    with pytest.raises(MediaError, match="straight from a GoPro camera"):
        probe_video(streams(clips, (240, 80), (240, 80), default=(0,)))
    assert probe_video(streams(clips, (128, 64), (128, 64), default=(0,))).stereo == "mono"
    path = clips.make(frames=3, container_options=mp4.BACK)
    path.write_bytes(path.read_bytes() + bytes(40) + b"8db42d694ccc418790edff439fe026bf")
    with pytest.raises(MediaError, match=r"Insta360.*v360=dfisheye"):
        probe_video(path)
    tagged = mp4.put_in_entry(clips.make(frames=3, container_options=mp4.BACK), mp4.st3d(0) + SPHERE)
    tagged.write_bytes(tagged.read_bytes() + bytes(40) + b"8db42d694ccc418790edff439fe026bf")
    assert probe_video(tagged).stereo == "mono"
    for ending in (".insv", ".360", ".lrv"):
        with pytest.raises(MediaError, match=r"original of two fisheye|GoPro|small preview"):
            probe_video(clips.make(frames=3).rename(clips.folder / f"camera{ending}"))


@pytest.mark.skipif(CASES is None, reason="needs the shared cases")
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("plain.mp4", ("mono", "shape", (640, 320))),
        ("tb_squeezed.mp4", ("top-bottom", "file", (640, 320))),
        ("mono_square.mp4", ("mono", "file", (1280, 640))),
        ("anamorphic_1x1_dar2.mp4", ("mono", "shape", (1280, 640))),
        ("anamorphic_16x9_dar2.mp4", ("mono", "shape", (720, 360))),
        ("rot90_shown2x1.mp4", ("mono", "shape", (640, 320))),
        ("preview_first.mp4", ("mono", "shape", (1280, 640))),
        ("vr180_sbs.mp4", "VR180"),
        ("cubemap_tag.mp4", "cubemap"),
        ("vr180_mesh_sbs.mp4", "mesh"),
        ("GS010001.360", "GoPro"),
        ("VID_20260101_120000_00_001.insv", "fisheye"),
    ],
)
def test_the_shared_cases(name, found):
    if isinstance(found, tuple):
        info = probe_video(CASES / name)
        assert (info.stereo, info.view.source, info.eye_size) == found
        return
    with pytest.raises(MediaError, match=found):
        probe_video(CASES / name)
