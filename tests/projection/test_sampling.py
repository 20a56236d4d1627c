import torch

from atsal.projection import (
    CubemapToErp,
    ErpToCubemap,
    SphericalGaussian,
    erp_to_viewport,
    resize_erp,
    resize_flat,
)


def test_first_use_in_inference_mode_does_not_stop_gradients():
    """Whatever is computed once and kept must serve training too."""
    operations = {
        "resize": lambda x: resize_erp(x, 40),
        "reduce": lambda x: resize_erp(x, 15),
        "flat": lambda x: resize_flat(x, 15, 17),
        "viewport": lambda x: erp_to_viewport(x, 12, 3, 70, 5),
        "smooth": SphericalGaussian(20, 9),
        "cut and stitch": lambda x: CubemapToErp(9, 20, fov_deg=110)(ErpToCubemap(20, 9, fov_deg=110)(x)),
    }
    with torch.inference_mode():
        cut, stitch = ErpToCubemap(20, 9), CubemapToErp(9, 20)
        stitch(cut(torch.rand(1, 1, 20, 40)))
        for operation in operations.values():
            operation(torch.rand(1, 1, 20, 40))
    for operation in (*operations.values(), lambda x: stitch(cut(x))):
        erp = torch.rand(1, 1, 20, 40, requires_grad=True)
        operation(erp).square().sum().backward()
        assert erp.grad is not None
