"""A client of `atsal serve`.

>>> from atsal.client import Client
>>> with Client("http://127.0.0.1:8000", token="atsal_…") as client:
...     job = client.submit("predict", "clip.mp4", format=["npy"], fps=2)
...     client.wait(job, progress=print)
...     client.download(job, "results")

`AsyncClient` has the same methods, to be awaited; its `live` is for `async for`.
"""

from atsal.client.clients import AsyncClient, Client
from atsal.client.job import Job, Progress, Result
from atsal.errors import ServiceError

__all__ = ["AsyncClient", "Client", "Job", "Progress", "Result", "ServiceError"]
