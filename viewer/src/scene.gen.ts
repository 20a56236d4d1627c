// Made from src/atsal/viewing/scene.py by `make viewer`. Do not edit.

export interface Keyframe {
  readonly timestamp_s: number;
  readonly yaw_deg: number;
  readonly pitch_deg: number;
  readonly fov_deg: number;
  readonly cut: boolean;
}

export interface MadeFrom {
  readonly sha256: string;
  readonly aspect: "16:9" | "9:16" | "1:1";
  readonly fov_deg: number;
  readonly stream: string;
  readonly start_s: number;
  readonly duration_s: number | null;
  readonly model: string | null;
  readonly model_sha256: string | null;
  readonly direction: string | null;
  readonly front_deg: number | null;
  readonly maps: string | null;
  readonly maps_sha256: string | null;
  readonly stereo: "auto" | "mono" | "top-bottom" | "left-right";
}

export interface InFrame {
  readonly directed: number;
  readonly forward: number;
  readonly peaks: number | null;
}

export interface Plan {
  readonly source: string;
  readonly source_duration_s: number;
  readonly aspect: "16:9" | "9:16" | "1:1";
  readonly start_s: number;
  readonly duration_s: number;
  readonly keyframes: readonly Keyframe[];
  readonly made_from: MadeFrom | null;
  readonly predicted_in_frame: InFrame | null;
  readonly recorded_in_frame: InFrame | null;
}

export interface Media {
  readonly kind: "video" | "image";
  readonly file: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly crop: readonly [number, number, number, number];
  readonly codec: string;
  readonly frame_rate: number;
  readonly duration_s: number;
}

export interface Stream {
  readonly name: string;
  readonly kind: string;
  readonly direction: "head_eye" | "head";
  readonly shows: string;
  readonly chunks: readonly string[];
  readonly concentration_bits: readonly number[];
  readonly peak_ratio: readonly number[];
}

export interface Maps {
  readonly width: number;
  readonly height: number;
  readonly chunk_frames: number;
  readonly frame_indices: readonly number[];
  readonly times_s: readonly number[];
  readonly streams: readonly Stream[];
}

export interface Previews {
  readonly file: string;
  readonly columns: number;
  readonly width: number;
  readonly height: number;
  readonly times_s: readonly number[];
}

export interface RegionTrack {
  readonly id: number;
  readonly times_s: readonly number[];
  readonly yaw_deg: readonly number[];
  readonly pitch_deg: readonly number[];
  readonly weight: readonly number[];
}

export interface ViewerGaze {
  readonly name: string;
  readonly starts_s: readonly number[];
  readonly durations_s: readonly number[];
  readonly yaw_deg: readonly number[];
  readonly pitch_deg: readonly number[];
}

export interface Gaze {
  readonly viewers: readonly ViewerGaze[];
  readonly shows: string;
  readonly viewing_s: number;
}

export interface Colormap {
  readonly name: string;
  readonly colours: readonly string[];
}

export interface Shape {
  readonly name: "16:9" | "9:16" | "1:1";
  readonly ratio: number;
}

export interface Film {
  readonly plan: Plan | null;
  readonly format: string;
  readonly version: number;
  readonly source_duration_s: number;
  readonly shapes: readonly Shape[];
  readonly fov_deg: readonly [number, number];
  readonly rounding_s: number;
  readonly max_speed_deg_s: number;
  readonly min_cut_s: number;
  readonly longest_turn_deg: number;
}

export interface Live {
  readonly network: string;
  readonly width: number;
  readonly height: number;
  readonly photo_s: number;
}

export interface Scene {
  readonly media: Media;
  readonly maps: Maps;
  readonly previews: Previews;
  readonly regions: readonly RegionTrack[];
  readonly region_step_s: number;
  readonly cuts_s: readonly number[];
  readonly film: Film | null;
  readonly colormaps: readonly Colormap[];
  readonly colormap: string;
  readonly opacity: number;
  readonly made_by: string;
  readonly notes: readonly string[];
  readonly gaze: Gaze | null;
  readonly live: Live | null;
}

export interface SphereMoment {
  readonly label: string;
  readonly picture: string;
  readonly maps: readonly string[];
}

export interface ReportSphere {
  readonly streams: readonly string[];
  readonly moments: readonly SphereMoment[];
  readonly colormap: Colormap;
  readonly opacity: number;
}

export interface Item {
  readonly name: string;
  readonly about: string;
  readonly folder: string;
  readonly picture: string;
}

export interface Catalogue {
  readonly items: readonly Item[];
  readonly home: string;
}

export interface Progress {
  readonly text: string;
  readonly share: number | null;
  readonly failed: boolean;
}
