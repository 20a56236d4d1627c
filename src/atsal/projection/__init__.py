"""Geometry of the sphere: ERP frames, cubemaps, viewports, solid angles."""

from atsal.projection.convert import RotateErp, SphericalGaussian, erp_to_viewport, resize_erp, resize_flat
from atsal.projection.cubemap import CubemapToErp, ErpToCubemap
from atsal.projection.geometry import CubeGeometry
from atsal.projection.sphere import erp_directions, erp_latitudes, erp_longitudes, solid_angle_weights

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
