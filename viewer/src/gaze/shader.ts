/**
 * Discs at fixations, and great circles from each fixation to the next, for all viewers at once.
 *
 * The fixations are in a texture, four texels each; the number of a vertex tells the fixation and the corner. The graphics
 * card finds out whether the fixation is shown at the time of the frame, and where.
 */

export const LINE_STEPS = 16; // of a line that is a curve in the flat view

const COMMON = `
precision highp float;
precision highp sampler2D;
uniform sampler2D fixations;
uniform vec3 right, up, forward;
uniform vec2 tangent, flatScale, size; // size: of the view, in pixels
uniform bool flatView, always; // always: at any time
uniform float from, until, trail, chosen, pixel;
out vec4 ink;
const float NEVER = 1e8;
const float PI = 3.14159265;

vec3 here, next; // direction of the fixation, and of the next one of the same viewer
vec4 times; // start, end, start of the next one, duration
vec3 colour;
float viewer;

vec2 corner(int number) { // of two triangles that make a square from -1 to 1
  return vec2(number == 1 || number == 2 || number == 4 ? 1.0 : -1.0, number == 2 || number > 3 ? 1.0 : -1.0);
}

void readFixation(int number) {
  int width = textureSize(fixations, 0).x;
  ivec2 at = ivec2(4 * number % width, 4 * number / width);
  vec4 first = texelFetch(fixations, at, 0);
  here = first.xyz;
  viewer = first.w;
  next = texelFetch(fixations, at + ivec2(1, 0), 0).xyz;
  times = texelFetch(fixations, at + ivec2(2, 0), 0);
  colour = texelFetch(fixations, at + ivec2(3, 0), 0).rgb;
}

// 1 at present, from there down to 0 at the end of the trail, and 0 before the fixation begins
float freshness() {
  if (chosen >= 0.0 && viewer != chosen) return 0.0;
  if (always) return 1.0;
  return times.x > until ? 0.0 : clamp(1.0 - max(0.0, from - times.y) / trail, 0.0, 1.0);
}

vec2 flatPlace(vec3 v) {
  return vec2(atan(v.x, v.z) / PI, 2.0 * atan(v.y, length(v.xz)) / PI);
}

vec2 spherePlace(vec3 v) {
  return vec2(dot(v, right), dot(v, up)) / dot(v, forward) / tangent;
}
`;

export const DOT_VERTEX = `${COMMON}
uniform float room; // 1, or less where dots are many
out vec2 offset; // from the middle, in pixels
out float radius, present;

void main() {
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0); // outside the view
  readFixation(gl_VertexID / 6);
  float fresh = freshness();
  if (fresh <= 0.0 || (!flatView && dot(here, forward) < 0.02)) return;
  present = times.x <= until && times.y >= from ? 1.0 : 0.0;
  radius = pixel * room * (times.w > 0.0 ? clamp(17.0 * sqrt(times.w), 4.0, 18.0) : 6.0);
  offset = corner(gl_VertexID % 6) * (radius + 4.0 * pixel);
  ink = vec4(colour, present > 0.0 ? 1.0 : fresh * clamp(room, 0.6, 0.9));
  vec2 place = flatView ? flatPlace(here) * flatScale : spherePlace(here);
  gl_Position = vec4(place + 2.0 * offset / size, 0.0, 1.0);
}
`;

export const DOT_FRAGMENT = `
precision highp float;
uniform float pixel;
in vec4 ink;
in vec2 offset;
in float radius, present;
out vec4 result;

void main() {
  float away = (length(offset) - radius) / pixel; // from the rim
  float ring = present * smoothstep(-0.2, 0.6, away) * (1.0 - smoothstep(2.2, 3.0, away)); // white, around the present
  float dark = smoothstep(-1.0, -0.2, away) * (1.0 - ring);
  float outer = 0.6 + 2.9 * present;
  result = vec4(mix(mix(ink.rgb, vec3(0.02), dark), vec3(1.0), ring), ink.a * (1.0 - smoothstep(outer - 0.8, outer, away)));
  if (result.a <= 0.0) discard;
}
`;

export const LINE_VERTEX = `${COMMON}
const int STEPS = ${LINE_STEPS};
uniform float room;
out float side; // of the line, -1 to 1
out float across; // share of the flat picture, from its middle

const float NEAREST = 0.02; // depth at which a line is cut: what is behind has no place in the view

// In the view on the sphere a great circle is a straight line, and so is its chord.
vec2 onSphere(float share) {
  vec2 depth = vec2(dot(here, forward), dot(next, forward));
  float cut = (NEAREST - depth.x) / (depth.y - depth.x);
  vec2 ends = vec2(depth.x < NEAREST ? cut : 0.0, depth.y < NEAREST ? cut : 1.0);
  return spherePlace(mix(here, next, mix(ends.x, ends.y, share)));
}

// Lines over the border of the picture are drawn twice: from this fixation out, and into the picture to the next one.
vec2 onFlat(float share, vec2 anchor) {
  float angle = acos(clamp(dot(here, next), -0.9999, 0.9999999));
  vec2 place = flatPlace(sin((1.0 - share) * angle) * here + sin(share * angle) * next);
  return vec2(anchor.x + mod(place.x - anchor.x + 1.0, 2.0) - 1.0, place.y);
}

void main() {
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0); // outside the view
  int vertices = flatView ? 12 * STEPS : 6;
  readFixation(gl_VertexID / vertices);
  float fresh = freshness();
  if (fresh <= 0.0 || times.z > (always ? NEVER : until) || dot(here, next) > 0.9999999) return;
  int part = gl_VertexID % vertices / 6; // of the line
  vec2 place, ahead, square = corner(gl_VertexID % 6);
  float steps = flatView ? float(STEPS) : 1.0;
  float share = (float(part % STEPS) + 0.5 + 0.5 * square.x) / steps, step_ = share < 0.5 ? 0.01 : -0.01;
  across = 0.0;
  if (flatView) {
    vec2 start = flatPlace(here), end = flatPlace(next);
    bool again = part >= STEPS;
    if (again && abs(end.x - start.x) <= 1.0) return; // within the picture
    place = onFlat(share, again ? end : start);
    ahead = onFlat(share + step_, again ? end : start);
    across = place.x;
    place *= flatScale;
    ahead *= flatScale;
  } else {
    if (max(dot(here, forward), dot(next, forward)) < NEAREST) return;
    place = onSphere(share);
    ahead = onSphere(share + step_);
  }
  vec2 along = normalize((ahead - place) * sign(step_) * size + vec2(1e-9, 0.0));
  side = square.y;
  ink = vec4(colour, fresh * clamp(room, 0.5, 0.9));
  vec2 offset = vec2(-along.y, along.x) * side * 2.0 * pixel;
  gl_Position = vec4(place + 2.0 * offset / size, 0.0, 1.0);
}
`;

export const LINE_FRAGMENT = `
precision highp float;
in vec4 ink;
in float side, across;
out vec4 result;

void main() {
  if (abs(across) > 1.0) discard;
  result = vec4(ink.rgb, ink.a * (1.0 - smoothstep(0.4, 1.0, abs(side))));
}
`;
