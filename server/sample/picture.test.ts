import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PICTURES, picture } from './picture.ts'

const pictures = Array.from({ length: PICTURES }, (_, index) => picture(index))

test('each sample picture is an SVG of its own, of at most 1 KB', () => {
  assert.equal(new Set(pictures).size, 200)
  for (const svg of pictures) {
    assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [^>]+>\n[\s\S]+\n<\/svg>\n$/)
    assert.ok(Buffer.byteLength(svg) <= 1_024)
  }
})

test('a sample picture runs nothing and loads nothing', () => {
  for (const svg of pictures) {
    assert.doesNotMatch(svg, /<script|<style|<image|<foreignObject|href|\son\w+=|@import/i)
    const addresses = svg.match(/https?:[^"]+|url\([^)]*\)/g)
    assert.deepEqual(addresses, ['http://www.w3.org/2000/svg', 'url(#g)'])
  }
})

test('there is no sample picture 200, -1 or 1.5', () => {
  assert.doesNotThrow(() => picture(199))
  for (const index of [200, -1, 1.5, Number.NaN]) assert.throws(() => picture(index), RangeError)
})
