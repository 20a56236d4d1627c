/** The files of maps; src/atsal/viewing/packing.py says what is in them. */

const HEADER_BYTES = 12;

/** Unpack a file into one array of levels for each of its maps. */
export async function unpackMaps(content: ArrayBuffer): Promise<Uint8Array[]> {
  const stream = new Blob([content]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const view = new DataView(bytes.buffer);
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  const [version, count, rows, columns] = [4, 6, 8, 10].map((at) => view.getUint16(at, true)) as [
    number,
    number,
    number,
    number,
  ];
  const size = rows * columns;
  if (magic !== "ATSL" || version !== 1 || bytes.length !== HEADER_BYTES + count * size) {
    throw new Error("is no file of maps");
  }
  return Array.from({ length: count }, (_, i) =>
    bytes.subarray(HEADER_BYTES + i * size, HEADER_BYTES + (i + 1) * size),
  );
}
