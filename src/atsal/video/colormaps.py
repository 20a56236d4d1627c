"""Colour maps for pictures of saliency. Importing this needs neither numpy nor an image library.

Each is given by 18 RGB colours, the same distance apart, from the lowest value to the highest; between them colours are
interpolated. They are those of matplotlib, up to 6 of 255: turbo by Anton Mikhailov (Google, 2019), the others but grey
by Stéfan van der Walt and Nathaniel Smith (2015). docs/command-line.md says what each is good for.
"""

_STOPS = {
    "turbo": "30123b3f3e9c4666dd458cfd2fb2f41ad4d022ebaa52fa7a8bff4b"
    "b7f735dbe236f5c53afea130f9751de84b0cce2d04a916017a0403",
    "viridis": "440154481769472a7a433d843d4e8a355e8d2e6d8e297b8e23898e"
    "1f978b21a5852eb37c46c06f65cb5e89d548b0dd2fd8e219fde725",
    "plasma": "0d08872f05964903a06100a77801a88e0ca4a21d9ab42e8dc43e7f"
    "d24f71de6164e97257f3854bf99a3efdaf31fdc627f8df25f0f921",
    "inferno": "0000040a07221e0c45380962510e6c69166e801f6c982766b0315b"
    "c63d4dd94d3de9612bf47918fa9407fcb014f8cd37f2ea69fcffa4",
    "magma": "0000040907201a10423111654a1079621980792282912b81aa337d"
    "c23b75d9466bec5860f7725cfc8e64feaa74fec68afde2a3fcfdbf",
    "grey": "0000000f0f0f1e1e1e2d2d2d3c3c3c4b4b4b5a5a5a696969787878"
    "878787969696a5a5a5b4b4b4c3c3c3d2d2d2e1e1e1f0f0f0ffffff",
}
COLORMAPS = {
    name: [tuple(bytes.fromhex(stops[i : i + 6])) for i in range(0, len(stops), 6)] for name, stops in _STOPS.items()
}
DEFAULT_COLORMAP = "turbo"
