/** The kinds of jobs: what the page calls them, and which of their options it shows at once. */

export interface Schema {
  readonly type: "string" | "number" | "integer" | "boolean" | "array";
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface Kind {
  readonly name: string;
  readonly about: string;
  readonly options: { readonly properties: Readonly<Record<string, Schema>> };
}

interface Shown {
  readonly title: string;
  readonly about: string;
  readonly main: readonly string[];
  readonly values?: Readonly<Record<string, unknown>>; // that the form begins with
}

/** In the order of the page. A kind that is not here is shown by its own name, after these. */
const SHOWN: Readonly<Record<string, Shown>> = {
  view: {
    title: "Look at it",
    about: "See the video or photo on the sphere, with the saliency maps over it, in this browser.",
    main: ["start", "duration", "fps"],
  },
  predict: {
    title: "Saliency maps",
    about: "Get the maps: drawn over the picture, as a video or pictures, or as numbers.",
    main: ["format", "start", "duration", "fps"],
    values: { format: ["overlay"] },
  },
  compare: {
    title: "Compare streams",
    about: "Get one video or picture of the source and of all maps, side by side.",
    main: ["start", "duration", "fps"],
  },
  regions: {
    title: "Regions",
    about: "Get the regions that draw most gaze, followed over time, as JSON.",
    main: ["max-regions", "start", "duration", "fps"],
  },
  direct: {
    title: "Flat film",
    about: "Get a flat film whose camera follows what people would look at.",
    main: ["aspect", "resolution", "start", "duration"],
  },
  encode: {
    title: "Encode",
    about: "Encode the video with more quality where people look.",
    main: ["codec", "crf", "bitrate"],
    values: { crf: 28 },
  },
  tiles: {
    title: "Tiles",
    about: "Get the chance that viewers see each tile of each segment, for streaming.",
    main: ["grid", "segment", "fov"],
  },
};

const LABELS: Readonly<Record<string, string>> = {
  fps: "Frames per second",
  start: "Start (s)",
  end: "End (s)",
  duration: "Duration (s)",
  segment: "Segment (s)",
  "still-at": "Still at (s)",
  fov: "Field of view (°)",
  front: "Front (°)",
  "no-front": "No front",
  crf: "Quality (CRF)",
  bitrate: "Bitrate (kbit/s)",
  format: "Files",
  "max-frames": "Most frames",
  "max-regions": "Most regions",
  "min-weight": "Least weight",
  rates: "Bitrate of all tiles",
  "least-rate": "Least bitrate of a tile",
  colormap: "Colour map",
};

/** In place of the description of an option, where fewer words will do beside its field. */
const HINTS: Readonly<Record<string, string>> = {
  start: "",
  duration: "",
  end: "In place of a duration.",
  fps: "Fewer are faster. Empty: all frames.",
  "still-at": "How long a photo has been on screen.",
  format: "npy and png: one map per frame. overlay and video: one film.",
  stream: "The map of the attention stream, of the expert stream, or of both (fused).",
  model: "lite is fast; paper has the published layers.",
  aspect: "Shape of the film. Empty: 16:9.",
  fov: "Along the longer side.",
  bitrate: "Of the pictures, in place of the quality.",
  crf: "Constant quality; lower is better and larger.",
  compare: "Encode without the map, too, and compare both.",
};

export function shownKind(kind: Kind): Shown {
  return SHOWN[kind.name] ?? { title: kind.name, about: kind.about, main: [] };
}

export function kindTitle(name: string): string {
  return SHOWN[name]?.title ?? name;
}

export function inOrder(kinds: readonly Kind[]): Kind[] {
  const order = Object.keys(SHOWN);
  const rank = ({ name }: Kind): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...kinds].sort((a, b) => rank(a) - rank(b));
}

export function optionHint(name: string, schema: Schema): string {
  return HINTS[name] ?? (schema.description ?? "").replace(/\s*\[default: .*\]$/, "");
}

/** "max-frames" is "Most frames", "colormap" is "Colormap". */
export function optionLabel(name: string): string {
  const words = name.replaceAll("-", " ");
  return LABELS[name] ?? `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
