"""XMP: metadata in a packet of XML that any program may have written into a picture."""

from xml.parsers import expat

MAX_BYTES = 1 << 20
_MAX_VALUE = 200  # characters; right eyes and depth maps are stored as values of megabytes


def xmp_values(packet: bytes) -> dict[str, str]:
    """Return the values of a packet by name (`GPano:ProjectionType`), from attributes and elements alike.

    The first of several values of one name counts. Values are cut to 200 characters. Raises `ValueError` if the packet
    is damaged, is larger than 1 MiB, or declares a document type, whose entities could expand without limit.
    """
    if len(packet) > MAX_BYTES:
        raise ValueError(f"it has {len(packet)} bytes, more than {MAX_BYTES}")
    collector = _Collector()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = collector.refuse_document_type
    parser.StartElementHandler = collector.start_element
    parser.CharacterDataHandler = collector.add_text
    parser.EndElementHandler = collector.end_element
    try:
        parser.Parse(_strip_padding(packet), True)
    except expat.ExpatError as error:
        raise ValueError(f"its XML is damaged: {error}") from error
    return collector.values


def _strip_padding(packet: bytes) -> bytes:
    """Remove zeros and spaces around the XML; not from UTF-16, where a zero is half of a letter."""
    return packet.strip(b"\0 \r\n\t") if b"\0" not in packet[:4].lstrip(b"\0") else packet


class _Collector:
    """Collects values while the packet is parsed."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._text = ""  # of the element that was opened last

    def refuse_document_type(self, *_: object) -> None:
        raise ValueError("it declares a document type")

    def start_element(self, name: str, attributes: dict[str, str]) -> None:
        self._text = ""
        self.values.setdefault(name, "")
        for key, value in attributes.items():
            self._keep_first(key, value)

    def add_text(self, text: str) -> None:
        if len(self._text) < _MAX_VALUE:
            self._text += text[:_MAX_VALUE]

    def end_element(self, name: str) -> None:
        self._keep_first(name, self._text)
        self._text = ""

    def _keep_first(self, name: str, value: str) -> None:
        self.values[name] = self.values.get(name) or value.strip()[:_MAX_VALUE]
