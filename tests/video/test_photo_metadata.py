"""What a photo says of itself decides: parts of the sphere and other projections are refused, poses are told."""

import pytest
from PIL import Image, PngImagePlugin, features

from atsal.errors import MediaError
from atsal.video.image_reader import probe_image, probe_image_header, read_image

AVIF = pytest.param("avif", marks=pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF"))
FULL = {
    "ProjectionType": "equirectangular",
    "FullPanoWidthPixels": 1280,
    "FullPanoHeightPixels": 640,
    "CroppedAreaImageWidthPixels": 1280,
    "CroppedAreaImageHeightPixels": 640,
    "CroppedAreaLeftPixels": 0,
    "CroppedAreaTopPixels": 0,
}
PART = {**FULL, "CroppedAreaImageWidthPixels": 640, "CroppedAreaImageHeightPixels": 320, "CroppedAreaLeftPixels": 320}


def packet(values, more="", prefix="GPano"):
    tags = "".join(f"<{prefix}:{name}>{value}</{prefix}:{name}>" for name, value in values.items())
    spaces = f'xmlns:{prefix}="http://ns.google.com/photos/1.0/panorama/" xmlns:GImage="http://ns.google.com/photos/1.0/image/"'
    return f'<R:RDF xmlns:R="r"><R:Description {spaces} {more}>{tags}</R:Description></R:RDF>'.encode()


def photo(path, xmp, size=(640, 320)):
    options = {"xmp": xmp}
    if path.suffix == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        options = {"pnginfo": info}
    if path.suffix == ".tif":
        options = {"tiffinfo": {700: xmp}}
    Image.radial_gradient("L").resize(size).convert("RGB").save(path, **options)
    return path


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp", AVIF])
def test_a_part_of_the_sphere_is_refused_in_every_format(tmp_path, ending):
    path = photo(tmp_path / f"a.{ending}", packet(PART))
    with pytest.raises(
        MediaError, match=r"part of a panorama \(cut off: left 25 %, top 0 %, right 25 %, bottom 50 %\).*exiftool"
    ):
        read_image(path)
    assert read_image(photo(tmp_path / f"b.{ending}", packet(FULL))).shape == (320, 640, 3)  # stored at another size


@pytest.mark.parametrize(
    "changed",
    [
        {"CroppedAreaImageHeightPixels": 500},
        {"CroppedAreaTopPixels": 100},
        {"CroppedAreaImageWidthPixels": 5000},
    ],
)
def test_each_side_counts(tmp_path, changed):
    with pytest.raises(MediaError, match="part of a panorama"):
        read_image(photo(tmp_path / "a.jpg", packet(FULL | changed)))


def test_another_prefix_and_attributes(tmp_path):
    with pytest.raises(MediaError, match="part of a panorama"):
        read_image(photo(tmp_path / "a.jpg", packet(PART, prefix="ns1")))
    attributes = " ".join(f'GPano:{name}="{value}"' for name, value in PART.items())
    with pytest.raises(MediaError, match="part of a panorama"):
        read_image(photo(tmp_path / "b.jpg", packet({}, attributes)))


def test_the_reason_is_told_before_the_shape(tmp_path):
    with pytest.raises(MediaError, match="part of a panorama"):
        read_image(photo(tmp_path / "a.jpg", packet(PART), (640, 200)))


def test_another_projection_is_refused(tmp_path):
    with pytest.raises(MediaError, match="projection is 'cylindrical'"):
        read_image(photo(tmp_path / "a.jpg", packet({"ProjectionType": "cylindrical"})))
    read_image(photo(tmp_path / "b.jpg", packet({"ProjectionType": "Equirectangular"})))


def test_a_pose_is_told_and_not_applied(tmp_path):
    pose = {"PoseHeadingDegrees": 225, "PosePitchDegrees": 17, "PoseRollDegrees": -121}
    path = photo(tmp_path / "a.jpg", packet(FULL | pose))
    (told,) = probe_image(path).notes
    assert "pitch 17°, roll -121°, heading 225°" in told
    assert "tilted" in told
    assert probe_image_header(path).notes == (told,)
    (told,) = probe_image(photo(tmp_path / "b.jpg", packet({"PoseHeadingDegrees": 90, "PosePitchDegrees": 0}))).notes
    assert "(heading 90°)" in told
    assert "tilted" not in told


def test_a_second_picture_in_the_xmp_is_told(tmp_path):
    (told,) = probe_image(photo(tmp_path / "a.jpg", packet(FULL, 'GImage:Mime="image/jpeg"'))).notes
    assert "right eye" in told


@pytest.mark.parametrize(
    ("xmp", "told"),
    [
        (packet({"FullPanoWidthPixels": "wide"}), "no number: FullPanoWidthPixels 'wide'"),
        (packet({"CroppedAreaTopPixels": "1e999"}), "no number"),
        (b"<a><b>", "cannot be read: its XML is damaged"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "cannot be read: it declares a document type"),
    ],
)
def test_what_cannot_be_understood_is_told(tmp_path, xmp, told):
    assert told in " ".join(probe_image(photo(tmp_path / "a.jpg", xmp)).notes)


def test_a_stated_layout_counts_before_the_shape(tmp_path):
    path = photo(tmp_path / "a.jpg", packet({"StereoMode": "left-right"}))
    found = probe_image(path)
    assert (found.stereo, found.eye_size) == ("left-right", (640, 320))
    assert "taken as two views, left-right, as the file says" in found.notes[0]
    assert read_image(path).shape == (320, 640, 3)
    assert "the file says left-right, but mono was asked for" in probe_image(path, stereo="mono").notes
    square = photo(tmp_path / "b.jpg", packet({"StereoMode": "top-bottom"}), (320, 320))
    assert "as the file says" in probe_image(square).remarks[0]
