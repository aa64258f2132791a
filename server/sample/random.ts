/** Draws of one seeded stream: the same seed gives the same draws in the same order, on every machine. */
export interface Random {
  /** The next 32 bits, as an unsigned integer. */
  bits(): number
  /** Uniform in [0, 1), with 53 bits. */
  uniform(): number
  /** Uniform integer in 0..below − 1. */
  integer(below: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** One element, all equally likely. @throws RangeError for an empty list */
  pick<T>(list: readonly T[]): T
  /** This many characters of 0-9a-f. */
  hex(length: number): string
  /** This many decimal digits, the first of them not 0. */
  digits(length: number): string
  normal(mean: number, deviation: number): number
  /** exp of a normal draw: `mu` and `sigma` are the mean and deviation of its logarithm. */
  lognormal(mu: number, sigma: number): number
  /** Mean 1 / rate; Infinity for a rate of 0. */
  exponential(rate: number): number
  /** Mean shape / rate. */
  gamma(shape: number, rate: number): number
  /** Mean a / (a + b). */
  beta(a: number, b: number): number
}

/**
 * A seeded source of draws: sfc32 (Chris Doty-Humphrey's PractRand), and the distributions on top of it.
 *
 * Only `+ − × ÷`, `Math.sqrt`, `Math.log` and `Math.exp` are used. The first four and the root are exact by IEEE 754;
 * the last two may differ between processors in the last bit, so a caller who wants the same bytes everywhere rounds
 * what it draws from a continuous distribution to something coarse (days, cents).
 */
export function createRandom(seed: number): Random {
  const bits = createSfc32(seed)
  const uniform = () => ((bits() >>> 5) * 0x4000000 + (bits() >>> 6)) / 0x20000000000000
  const integer = (below: number) => Math.floor(uniform() * below)
  const text = (length: number, alphabet: string) => {
    let drawn = ''
    while (drawn.length < length) drawn += alphabet.charAt(integer(alphabet.length))
    return drawn
  }

  // Marsaglia's polar method: it needs no sine and no cosine, whose last bits depend on how the engine was built.
  const standardNormal = () => {
    for (;;) {
      const x = 2 * uniform() - 1
      const y = 2 * uniform() - 1
      const square = x * x + y * y
      if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square)
    }
  }

  // Marsaglia and Tsang (2000); a shape below 1 is lifted by 1 and scaled back, as they say in section 6.
  const standardGamma = (shape: number): number => {
    if (shape < 1) return standardGamma(shape + 1) * Math.exp(Math.log(1 - uniform()) / shape)
    const d = shape - 1 / 3
    const c = 1 / Math.sqrt(9 * d)
    for (;;) {
      const x = standardNormal()
      const root = 1 + c * x
      if (root <= 0) continue
      const v = root * root * root
      if (Math.log(1 - uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
    }
  }

  return {
    bits,
    uniform,
    integer,
    chance: (probability) => uniform() < probability,
    pick: (list) => {
      const index = integer(list.length)
      for (const chosen of list.slice(index, index + 1)) return chosen
      throw new RangeError('Nothing to pick from')
    },
    hex: (length) => text(length, '0123456789abcdef'),
    digits: (length) => text(1, '123456789') + text(length - 1, '0123456789'),
    normal: (mean, deviation) => mean + deviation * standardNormal(),
    lognormal: (mu, sigma) => Math.exp(mu + sigma * standardNormal()),
    exponential: (rate) => -Math.log(1 - uniform()) / rate,
    gamma: (shape, rate) => standardGamma(shape) / rate,
    beta: (a, b) => {
      const x = standardGamma(a)
      return x / (x + standardGamma(b))
    },
  }
}

function createSfc32(seed: number): () => number {
  let a = 0
  let b = seed | 0
  let c = 0x9e3779b9 | 0
  let counter = 1
  const next = () => {
    const drawn = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + drawn) | 0
    return drawn >>> 0
  }
  // The first draws of neighbouring seeds resemble each other: they are thrown away.
  for (let warmUp = 0; warmUp < 15; warmUp++) next()
  return next
}
