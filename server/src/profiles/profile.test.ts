import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toProfile } from './profile.ts'

const nothing = { userName: null, firstName: null, lastName: null, profilePic: null }
const pictureOf = (profile_pic: unknown) => toProfile('FB_PAGE', { profile_pic }).profilePic
const nameOf = (name: unknown) => toProfile('FB_PAGE', { name }).userName

test('a profile says what the platform says, and nothing where it says nothing', () => {
  const full = { name: 'Ann Lee', first_name: 'Ann', last_name: 'Lee', profile_pic: 'https://x.fbcdn.net/1.jpg?a=b' }
  assert.deepEqual(toProfile('FB_PAGE', full), {
    userName: 'Ann Lee',
    firstName: 'Ann',
    lastName: 'Lee',
    profilePic: 'https://x.fbcdn.net/1.jpg?a=b',
  })
  assert.equal(toProfile('FB_PAGE', { first_name: 'Ann', last_name: 'Lee' }).userName, 'Ann Lee')
  assert.deepEqual(toProfile('INSTAGRAM_ACCOUNT', { name: 'Ann Lee', username: 'annlee' }), {
    ...nothing,
    userName: 'annlee',
  })
  assert.equal(toProfile('INSTAGRAM_ACCOUNT', { name: 'Ann Lee' }).userName, 'Ann Lee')
  for (const type of ['FB_PAGE', 'INSTAGRAM_ACCOUNT'] as const) {
    assert.deepEqual(toProfile(type, { id: '1' }), nothing)
    const hostile = { name: 5, first_name: {}, last_name: [], username: null, profile_pic: { url: 'https://x' } }
    assert.deepEqual(toProfile(type, hostile), nothing)
  }
})

test('a name is cut between two characters at 255 bytes, and holds no control characters', () => {
  assert.equal(nameOf('x'.repeat(255)), 'x'.repeat(255))
  assert.equal(nameOf('x'.repeat(256)), 'x'.repeat(255))
  assert.equal(nameOf('é'.repeat(128)), 'é'.repeat(127))
  // a family is one character of 25 bytes
  assert.equal(nameOf('👨‍👩‍👧‍👦'.repeat(11)), '👨‍👩‍👧‍👦'.repeat(10))
  assert.equal(nameOf(' \u0000Ann\r\n\u001b[2JLee\u0000 '), 'Ann [2JLee')
  assert.equal(nameOf('half \ud800'), 'half \ufffd')
  for (const empty of ['', '  ', '\u0000\n']) assert.equal(nameOf(empty), null)
})

test('a picture is an https address of at most 2048 bytes', () => {
  const long = (length: number) => `https://x/${'a'.repeat(length - 'https://x/'.length)}`
  assert.equal(pictureOf(long(2_048)), long(2_048))
  for (const refused of [
    long(2_049),
    'http://x/1.jpg',
    'javascript:alert(1)',
    'data:image/png;base64,AAAA',
    'ftp://x/1.jpg',
    '//x/1.jpg',
    'https://',
    'https://user:secret@x/1.jpg',
    '',
  ]) {
    assert.equal(pictureOf(refused), null, refused)
  }
  assert.equal(pictureOf('https://x/ü\n.jpg'), 'https://x/%C3%BC.jpg')
})
