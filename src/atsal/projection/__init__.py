"""Geometry of the sphere: ERP frames, cubemaps, viewports, solid angles."""

from atsal.projection.cubemap import CubemapToErp, ErpToCubemap
from atsal.projection.geometry import CubeGeometry
from atsal.projection.resize import resize_erp, resize_flat
from atsal.projection.smoothing import SphericalGaussian
from atsal.projection.sphere import erp_directions, erp_latitudes, erp_longitudes, solid_angle_weights
from atsal.projection.viewport import RotateErp, erp_to_viewport

__all__ = [
    "CubeGeometry",
    "CubemapToErp",
    "ErpToCubemap",
    "RotateErp",
    "SphericalGaussian",
    "erp_directions",
    "erp_latitudes",
    "erp_longitudes",
    "erp_to_viewport",
    "resize_erp",
    "resize_flat",
    "solid_angle_weights",
]
