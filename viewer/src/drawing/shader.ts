/** The one shader: it looks up, for each pixel of the view, the picture and the map in the same direction. */

export const VERTEX = /* glsl */ `
out vec2 place;
void main() {
  place = position.xy;
  gl_Position = vec4(position.xy, 0.0, 1.0);
}`;

export const FRAGMENT = /* glsl */ `
precision highp float;
in vec2 place;
out vec4 shown;

uniform sampler2D picture, map, colours;
uniform vec4 crop; // left, top, width, height of the view in the picture
uniform vec2 pictureSize;
uniform vec3 right, up, forward;
uniform vec2 tangent, flatScale;
uniform bool mipmaps; // of the picture
uniform bool flatView, layer;
uniform int style; // 0 colours, 1 contours, 2 spotlight
uniform float opacity, threshold;

const float PI = 3.14159265358979;

vec2 position() { // in the view of the whole sphere, from the left and from the top
  if (flatView) {
    vec2 p = place / flatScale;
    return vec2(p.x, -p.y) * 0.5 + 0.5;
  }
  vec3 ray = forward + place.x * tangent.x * right + place.y * tangent.y * up;
  return vec2(atan(ray.x, ray.z) / (2.0 * PI) + 0.5, 0.5 - atan(ray.y, length(ray.xz)) / PI);
}

vec3 pictureAt(vec2 at) {
  vec2 halfPixel = 0.5 / (pictureSize * crop.zw);
  vec2 inside = crop.z < 1.0 || crop.w < 1.0 ? clamp(at, halfPixel, 1.0 - halfPixel) : at;
  vec2 from = crop.xy + inside * crop.zw;
  if (!mipmaps) return textureLod(picture, from, 0.0).rgb; // saves much time where the processor draws
  vec2 dx = dFdx(at), dy = dFdy(at);
  dx.x -= round(dx.x); // no seam behind the viewer
  dy.x -= round(dy.x);
  return textureGrad(picture, from, dx * crop.zw, dy * crop.zw).rgb;
}

vec3 colour(float level) {
  return textureLod(colours, vec2((level * 255.0 + 0.5) / 256.0, 0.5), 0.0).rgb;
}

float contour(float level) { // 1 on the lines at every tenth of the peak
  float steps = level * 10.0;
  float distance = abs(fract(steps - 0.5) - 0.5) / max(fwidth(steps), 1e-4);
  return (1.0 - smoothstep(0.6, 1.8, distance)) * step(0.5, steps);
}

void main() {
  vec2 at = position();
  vec3 seen = pictureAt(at);
  float level = textureLod(map, at, 0.0).r;
  float line = contour(level);
  if (layer && style == 0 && level >= threshold) seen = mix(seen, colour(level), level * opacity);
  if (layer && style == 1 && level >= threshold) seen = mix(seen, colour(level), line * opacity);
  if (layer && style == 2) {
    float lit = smoothstep(threshold, threshold + 0.4, level);
    vec3 grey = vec3(dot(seen, vec3(0.2126, 0.7152, 0.0722)));
    seen = mix(mix(seen, grey * 0.25, opacity), seen, lit);
  }
  bool outside = at.x < 0.0 || at.x > 1.0 || at.y < 0.0 || at.y > 1.0;
  shown = outside ? vec4(0.0) : vec4(seen, 1.0);
}`;
