"""Write published_parity.npz from the recorded outputs; refuses unless the networks reproduce those first.

Run as `python tests/golden/make_published_parity.py` where the recorded outputs are present.
"""

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fakes.published import (
    GOLDEN,
    RECORDED,
    face_sequence,
    network_input,
    pack,
    synthetic_attention,
    synthetic_expert,
)

FACES = [0, 4]  # front (equator expert) and up (poles expert)


@torch.inference_mode()
def main() -> None:
    with np.load(RECORDED) as arrays:
        recorded = {name: arrays[name] for name in arrays.files}
    faces = recorded["published_e2c_faces_F_R_B_L_U_D"][FACES]
    saliency, mask = synthetic_attention()(network_input(recorded["erp_bgr_u8"]))
    equator = synthetic_expert("equator")
    front, _ = equator(network_input(faces[0]))
    for found, name, index in ((saliency, "attention_saliency", ...), (mask, "attention_mask", ...)):
        np.testing.assert_allclose(found[0, 0].numpy(), recorded[name][index], atol=1e-4)
    np.testing.assert_allclose(front[0, 0].numpy(), recorded["expert_maps_frame0"][0], atol=1e-4)

    state = None
    for frame in face_sequence(faces[0]):
        last, state = equator(network_input(frame), state)
    np.savez_compressed(
        GOLDEN,
        erp_bgr_packed=pack(recorded["erp_bgr_u8"]),
        faces_bgr_packed=pack(faces),
        attention_saliency=recorded["attention_saliency"][::4, ::4],  # recorded
        attention_mask=recorded["attention_mask"],  # recorded
        expert_maps_frame0=recorded["expert_maps_frame0"][FACES, ::4, ::4],  # recorded
        sequence_map=last[0, 0, ::2, ::2].numpy(),  # ours, by the network checked above
    )


if __name__ == "__main__":
    main()
