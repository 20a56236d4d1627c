"""XMP: what a picture says about itself, in a packet of XML that any program may have written."""

from xml.parsers import expat

MAX_BYTES = 1 << 20
_MAX_VALUE = 200  # characters; right eyes and depth maps are stored as values of megabytes


def xmp_values(packet: bytes) -> dict[str, str]:
    """The values of a packet by their names (`GPano:ProjectionType`), from attributes and elements alike.

    Of a name that comes several times the first counts; values are cut to 200 characters. Raises `ValueError` where
    the packet is damaged, has more than 1 MiB, or declares entities, which could grow without bounds.
    """
    if len(packet) > MAX_BYTES:
        raise ValueError(f"it has {len(packet)} bytes, more than {MAX_BYTES}")
    found = _Values()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = found.refuse
    parser.StartElementHandler = found.start
    parser.CharacterDataHandler = found.text
    parser.EndElementHandler = found.end
    try:
        parser.Parse(_without_padding(packet), True)
    except expat.ExpatError as error:
        raise ValueError(f"its XML is damaged: {error}") from error
    return found.values


def _without_padding(packet: bytes) -> bytes:
    """The zeros and spaces around the XML; in UTF-16 a zero is half of a letter, and they do not come."""
    return packet.strip(b"\0 \r\n\t") if b"\0" not in packet[:4].lstrip(b"\0") else packet


class _Values:
    """Gathers values while the packet is parsed."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._text = ""  # of the element that was opened last

    def refuse(self, *_: object) -> None:
        raise ValueError("it declares a document type")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._text = ""
        self.values.setdefault(name, "")
        for key, value in attributes.items():
            self._keep(key, value)

    def text(self, text: str) -> None:
        if len(self._text) < _MAX_VALUE:
            self._text += text[:_MAX_VALUE]

    def end(self, name: str) -> None:
        self._keep(name, self._text)
        self._text = ""

    def _keep(self, name: str, value: str) -> None:
        self.values[name] = self.values.get(name) or value.strip()[:_MAX_VALUE]
