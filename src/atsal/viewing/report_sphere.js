(function(){function e(e){let t=e.colours.map(e=>[1,3,5].map(t=>parseInt(e.slice(t,t+2),16))),n=new Uint8Array(1024);for(let e=0;e<256;e++){let r=e/255*(t.length-1),i=Math.min(Math.floor(r),t.length-2);for(let a=0;a<3;a++){let[o,s]=[t[i]?.[a]??0,t[i+1]?.[a]??0];n[4*e+a]=Math.floor(o+(s-o)*(r-i)+1e-9)}n[4*e+3]=255}return n}function t(e,t,n){return{x:(t-e.left)/e.width*2-1,y:1-(n-e.top)/e.height*2}}var n=Math.PI/180;function r(e,t){let[r,i]=[e.yaw_deg*n,e.pitch_deg*n],o=Math.tan(e.fov_deg*n/2);return{right:[Math.cos(r),0,-Math.sin(r)],up:[-Math.sin(i)*Math.sin(r),Math.cos(i),-Math.sin(i)*Math.cos(r)],forward:a(e),tangent:[o*t,o],flat:e.projection===`flat`,flatScale:t>2?[2/t,1]:[1,t/2]}}function i([e,t,r]){return{yaw_deg:Math.atan2(e,r)/n,pitch_deg:Math.atan2(t,Math.hypot(e,r))/n}}function a({yaw_deg:e,pitch_deg:t}){let[r,i]=[e*n,t*n];return[Math.cos(i)*Math.sin(r),Math.sin(i),Math.cos(i)*Math.cos(r)]}function o(e,{x:t,y:n}){if(e.flat){let[r,i]=[t/e.flatScale[0],n/e.flatScale[1]];return Math.abs(r)<=1&&Math.abs(i)<=1?{yaw_deg:r*180,pitch_deg:i*90}:null}let[r,a]=[t*e.tangent[0],n*e.tangent[1]],[o=0,s=0,c=0]=[0,1,2].map(t=>(e.forward[t]??0)+r*(e.right[t]??0)+a*(e.up[t]??0));return i([o,s,c])}var s=1.15,c=5;function l(e,t){e.set({fov_deg:e.state.fov_deg*t})}function u(e,t,n,r){let i=new Map;e.addEventListener(`pointerdown`,t=>{t.target.closest(`button`)||(i.set(t.pointerId,{x:t.clientX,y:t.clientY}),e.setPointerCapture(t.pointerId))}),e.addEventListener(`pointermove`,e=>{r(n.directionUnder(e));let a=i.get(e.pointerId);if(!a)return;let o={x:e.clientX,y:e.clientY},s=[...i].find(([t])=>t!==e.pointerId)?.[1];s?l(t,p(a,s)/Math.max(p(o,s),1)):f(t,n.height,o.x-a.x,o.y-a.y),i.set(e.pointerId,o)});for(let t of[`pointerup`,`pointercancel`])e.addEventListener(t,e=>i.delete(e.pointerId));e.addEventListener(`pointerleave`,()=>r(null)),e.addEventListener(`wheel`,e=>d(e,t),{passive:!1}),e.addEventListener(`dblclick`,e=>{let r=n.directionUnder(e);r&&!e.target.closest(`button`)&&t.set({projection:`sphere`,...r})})}function d(e,t){t.state.projection===`flat`||e.ctrlKey||(e.preventDefault(),l(t,s**Math.sign(e.deltaY)))}function f(e,t,n,r){let{state:i}=e;if(i.projection===`flat`)return;let a=i.fov_deg/t;e.set({yaw_deg:i.yaw_deg-n*a,pitch_deg:i.pitch_deg+r*a})}function p(e,t){return Math.hypot(e.x-t.x,e.y-t.y)}function m(e,t,n){let r=c*e.state.fov_deg/75;e.set({yaw_deg:e.state.yaw_deg+t*r,pitch_deg:e.state.pitch_deg+n*r})}function h(e){let t=document.getElementById(e);if(!t)throw Error(`index.html has no element ${e}`);return t}function g(e,t={},...n){let r=Object.assign(document.createElement(e),t);return r.append(...n),r}function _(e){return`${Math.round(e)}`.replace(/^-0$/,`0`).replace(`-`,`−`)}function v(e,t){return e instanceof HTMLElement?e.closest(`dialog, select`)?!0:e instanceof HTMLInputElement?t===` `?e.type!==`range`:t.startsWith(`Arrow`)&&e.type!==`checkbox`:e instanceof HTMLButtonElement&&(t===` `||t===`Enter`):!1}function y(e,t=document){t.addEventListener(`keydown`,t=>{if(t.ctrlKey||t.metaKey||t.altKey||v(t.target,t.key))return;let n=t.key.length===1?t.key.toLowerCase():t.key,r=e.find(e=>e.keys.includes(n));r&&(t.preventDefault(),r.run(n))})}var b=`none`,x={least:20,most:120},S=90,C=[.25,.5,1,2],w=class{current;listeners=[];constructor(e){this.current=e,this.current=D(e)}get state(){return this.current}set(e){let t=this.current;this.current=D({...t,...e});for(let e of this.listeners)e(this.current,t)}subscribe(e){this.listeners.push(e),e(this.current,this.current)}};function T(e,t,n){return Math.min(Math.max(e,t),n)}function E(e){return((e+180)%360+360)%360-180}function D(e){return{...e,yaw_deg:E(e.yaw_deg),pitch_deg:T(e.pitch_deg,-90,S),fov_deg:T(e.fov_deg,x.least,x.most),opacity:T(e.opacity,0,1),threshold:T(e.threshold,0,.95),speed:C.includes(e.speed)?e.speed:1}}var O={yaw_deg:0,pitch_deg:0,fov_deg:75},k={ArrowLeft:[-1,0],ArrowRight:[1,0],ArrowUp:[0,1],ArrowDown:[0,-1]};function A(e){return[{keys:Object.keys(k),shown:`arrows`,does:`turn the view`,run:t=>m(e,...k[t]??[0,0])},{keys:[`+`,`=`],shown:`+`,does:`zoom in`,run:()=>l(e,1/s)},{keys:[`-`],shown:`−`,does:`zoom out`,run:()=>l(e,s)},{keys:[`0`,`Home`],shown:`0`,does:`look to the front`,run:()=>e.set(O)},{keys:[`v`],shown:`V`,does:`sphere, flat`,run:()=>e.set({projection:e.state.projection===`flat`?`sphere`:`flat`})}]}function j(e){return{...O,pair:!1,second:b,...e,projection:`sphere`,layer:!0,style:`colours`,threshold:0,regions:!1,outline:!0,through:!1,speed:1,loop:!0,sound:!1,fixations:!0,scanpaths:!1,trail:`1`,viewer:``,follow:!1}}var M={VERTEX_SHADER:`#version 300 es
in vec2 position;
out vec2 place;
void main() {
  place = position.xy;
  gl_Position = vec4(position.xy, 0.0, 1.0);
}`,FRAGMENT_SHADER:`#version 300 es
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
}`},N={picture:0,map:1,colours:2},P=class{gl;program;constructor(e,t){this.gl=e,this.program=F(e),e.bindBuffer(e.ARRAY_BUFFER,e.createBuffer()),e.bufferData(e.ARRAY_BUFFER,new Float32Array([-1,-1,3,-1,-1,3]),e.STATIC_DRAW);let n=e.getAttribLocation(this.program,`position`);e.enableVertexAttribArray(n),e.vertexAttribPointer(n,2,e.FLOAT,!1,0,0);for(let[e,t]of Object.entries(N))this.makeTexture(e,t);e.uniform4f(this.place(`crop`),0,0,1,1),e.uniform1i(this.place(`layer`),1),e.activeTexture(e.TEXTURE0+N.colours),e.texImage2D(e.TEXTURE_2D,0,e.RGBA,256,1,0,e.RGBA,e.UNSIGNED_BYTE,t)}makeTexture(e,t){let{gl:n}=this;n.activeTexture(n.TEXTURE0+t),n.bindTexture(n.TEXTURE_2D,n.createTexture()),n.texParameteri(n.TEXTURE_2D,n.TEXTURE_MIN_FILTER,n.LINEAR),n.texParameteri(n.TEXTURE_2D,n.TEXTURE_WRAP_T,n.CLAMP_TO_EDGE),n.uniform1i(this.place(e),t)}place(e){return this.gl.getUniformLocation(this.program,e)}set(e,t){let{gl:n}=this;n.activeTexture(n.TEXTURE0+N.picture),n.texImage2D(n.TEXTURE_2D,0,n.RGBA,n.RGBA,n.UNSIGNED_BYTE,e),n.uniform2f(this.place(`pictureSize`),e.width,e.height),n.activeTexture(n.TEXTURE0+N.map),n.texImage2D(n.TEXTURE_2D,0,n.RGBA,n.RGBA,n.UNSIGNED_BYTE,t)}draw(e,t){let{gl:n}=this;n.viewport(0,0,n.drawingBufferWidth,n.drawingBufferHeight);for(let e of[`right`,`up`,`forward`])n.uniform3f(this.place(e),...t[e]);for(let e of[`tangent`,`flatScale`])n.uniform2f(this.place(e),...t[e]);n.uniform1i(this.place(`flatView`),Number(t.flat)),n.uniform1f(this.place(`opacity`),e.opacity),n.drawArrays(n.TRIANGLES,0,3)}};function F(e){let t=e.createProgram();for(let[n,r]of Object.entries(M)){let i=e.createShader(e[n]);i&&(e.shaderSource(i,r),e.compileShader(i),e.attachShader(t,i))}return e.linkProgram(t),e.useProgram(t),t}var I=2,L=class{sphere;canvas;painter;store;stage=h(`stage`);pending=!1;constructor(e,t,n){this.sphere=e,this.canvas=t,this.painter=n;let{streams:r,colormap:i,opacity:a}=e;this.store=new w(j({stream:r[0]??``,colormap:i.name,opacity:a})),this.listen(),z(`moment`,e.moments.map(({label:e})=>e),()=>void this.load()),z(`stream`,r,()=>void this.load()),this.store.subscribe(()=>this.drawSoon()),new ResizeObserver(()=>this.resize()).observe(this.stage),this.load()}listen(){let{stage:e,store:t}=this;e.addEventListener(`wheel`,t=>{document.activeElement!==e&&t.stopImmediatePropagation()}),u(e,t,this,()=>void 0),y(A(t),e),h(`front`).addEventListener(`click`,()=>t.set(O)),h(`zoom-in`).addEventListener(`click`,()=>l(t,1/s)),h(`zoom-out`).addEventListener(`click`,()=>l(t,s));let n=h(`opacity`);n.valueAsNumber=t.state.opacity,n.addEventListener(`input`,()=>t.set({opacity:n.valueAsNumber}))}async load(){let[e,t]=[B(`moment`),B(`stream`)],{picture:n=``,maps:r=[]}=this.sphere.moments[e]??{},i=await Promise.all([R(n),R(r[t]??``)]);e===B(`moment`)&&t===B(`stream`)&&(this.painter.set(...i),this.stage.dataset.shown=`${e} ${t}`,this.draw())}get height(){return this.stage.clientHeight}directionUnder(e){return o(this.lens(),t(this.stage.getBoundingClientRect(),e.clientX,e.clientY))}lens(){return r(this.store.state,this.stage.clientWidth/this.stage.clientHeight)}drawSoon(){this.pending||(this.pending=!0,requestAnimationFrame(()=>this.draw()))}draw(){this.pending=!1;let{state:e}=this.store;this.painter.draw(e,this.lens());let[t,n,r]=[e.yaw_deg,e.pitch_deg,e.fov_deg].map(_);h(`direction`).textContent=e.projection===`flat`?`whole sphere`:`yaw ${t}° · pitch ${n}° · view ${r}°`,h(`opacity-value`).textContent=`${Math.round(100*e.opacity)} %`}resize(){let e=Math.min(window.devicePixelRatio,I),{clientWidth:t,clientHeight:n}=this.stage;t&&n&&([this.canvas.width,this.canvas.height]=[Math.round(t*e),Math.round(n*e)],this.draw())}};async function R(e){let t=new Image;return t.src=e,await t.decode(),t}function z(e,t,n){let r=t.map((t,n)=>g(`label`,{},g(`input`,{type:`radio`,name:e,value:`${n}`,checked:n===0}),g(`span`,{textContent:t})));h(e).append(...r),h(e).hidden=t.length<2,h(e).addEventListener(`change`,n)}function B(e){return Number(document.querySelector(`input[name=${e}]:checked`)?.value)}function V(){let t=h(`canvas`),n=t.getContext(`webgl2`,{preserveDrawingBuffer:!0,antialias:!1});if(!n)return;t.addEventListener(`webglcontextlost`,()=>h(`sphere`).hidden=!0);let r=JSON.parse(h(`sphere-data`).textContent);h(`sphere`).hidden=!1,new L(r,t,new P(n,e(r.colormap)))}V()})();