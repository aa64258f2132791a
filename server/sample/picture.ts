/** How many pictures there are: indexes 0..199. */
export const PICTURES = 200

const SKINS = ['#f7d7c4', '#eab893', '#d19a6f', '#a56a43', '#7a4a2b', '#ffe0bd', '#c68642']
const HAIRS = ['#2b1d14', '#5a3825', '#a8642a', '#e0b050', '#9aa0a6', '#b23a2e', '#1f2a44', '#6d4c8f', '#1b1b1f']
const HAIR_SHAPES = [
  'M24 46a24 26 0 0 1 48 0q-8-14-24-14T24 46z',
  'M22 70V44a26 28 0 0 1 52 0v26h-8V46q-18 0-30-12-2 10-6 12v24z',
  'M24 48q-6-30 24-32 32-2 25 32-5-13-15-18-18 8-34 18z',
  'M25 42q0-10 6-12-1-10 9-10 6-8 14-2 11-1 12 9 7 4 5 15-6-10-23-11T25 42z',
]
const MOUTHS = ['M40 60q8 8 16 0', 'M40 60q8 10 16 0z', 'M42 62h12', 'M41 61q9 5 14-2', 'M44 61a4 4 0 0 0 8 0z']
const EYES = [
  '<circle cx="40" cy="50" r="2.6"/><circle cx="56" cy="50" r="2.6"/>',
  '<path d="M36 51q4-5 8 0m8 0q4-5 8 0" fill="none" stroke="#222" stroke-width="2"/>',
  '<g fill="none" stroke="#222" stroke-width="1.5"><circle cx="39" cy="50" r="6"/><circle cx="57" cy="50" r="6"/><path d="M45 50h6"/></g><circle cx="39" cy="50" r="2"/><circle cx="57" cy="50" r="2"/>',
]

/**
 * The avatar of one sample person: a drawn face before a gradient, as an SVG document of at most 1 KB that refers to
 * nothing outside itself. All 200 differ, and the same index always gives the same bytes.
 *
 * @param index  0..199
 * @throws RangeError for any other index
 */
export function picture(index: number): string {
  if (!Number.isInteger(index) || index < 0 || index >= PICTURES) throw new RangeError(`No sample picture ${index}`)
  // 137 shares no factor with 360, so no two of the pictures have the same hue; neighbours are far apart.
  const hue = (index * 137) % 360
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">
<linearGradient id="g" x2="1" y2="1"><stop stop-color="hsl(${hue},70%,72%)"/><stop offset="1" stop-color="hsl(${(hue + 50) % 360},65%,48%)"/></linearGradient>
<path fill="url(#g)" d="M0 0h96v96H0z"/>
<path fill="hsl(${(hue + 190) % 360},45%,40%)" d="M12 96q2-22 36-22t36 22z"/>
<path fill="${of(SKINS, index)}" d="M41 66h14v10q-7 7-14 0zM27 48a21 23 0 0 1 42 0q0 24-21 24T27 48z"/>
<path fill="${of(HAIRS, index)}" d="${of(HAIR_SHAPES, index)}"/>
<g fill="#222">${of(EYES, index)}</g>
<path d="${of(MOUTHS, index)}" fill="#fff" stroke="#8c3a3a" stroke-width="2" stroke-linecap="round"/>
</svg>
`
}

function of(variants: string[], index: number): string {
  return variants[index % variants.length] ?? ''
}
