"""The fake of each data set of the field, by the set's name."""

from fakes.avtrack360 import write_avtrack360
from fakes.dsav360 import write_dsav360
from fakes.em360 import write_em360
from fakes.folder import write_folder
from fakes.pvs_hm import write_pvs_hm
from fakes.salient360_images import write_salient360_images
from fakes.salient360_videos import write_salient360_videos
from fakes.sitzmann import write_sitzmann
from fakes.sport360 import write_sport360
from fakes.vr_eyetracking import write_vr_eyetracking

WRITERS = {
    "salient360-images": write_salient360_images,
    "salient360-videos": write_salient360_videos,
    "sitzmann": write_sitzmann,
    "vr-eyetracking": write_vr_eyetracking,
    "sport360": write_sport360,
    "d-sav360": write_dsav360,
    "pvs-hm": write_pvs_hm,
    "360-em": write_em360,
    "avtrack360": write_avtrack360,
    "folder": write_folder,
}
