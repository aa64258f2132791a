/** Which methods an address has, whatever the request's own method: for 405 and OPTIONS. */
export interface RouteTable {
  add: (pattern: string, methods: string | string[]) => void
  /** @returns the value of `Allow`, or null where no method is routed */
  allow: (address: string) => string | null
}

export function createRouteTable(): RouteTable {
  const exact = new Map<string, Set<string>>()
  const patterns: { pattern: RegExp; methods: Set<string> }[] = []

  function methodsOf(pattern: string): Set<string> {
    const known = exact.get(pattern)
    if (known) return known
    const methods = new Set<string>()
    exact.set(pattern, methods)
    if (/[:*]/.test(pattern)) patterns.push({ pattern: toRegExp(pattern), methods })
    return methods
  }

  return {
    add(pattern, methods) {
      const set = methodsOf(withoutTrailingSlash(pattern))
      for (const method of [methods].flat()) set.add(method)
    },
    allow(address) {
      const path = pathOf(address)
      const methods = exact.get(path) ?? patterns.find(({ pattern }) => pattern.test(path))?.methods
      return methods ? [...methods, 'OPTIONS'].sort().join(', ') : null
    },
  }
}

function toRegExp(pattern: string): RegExp {
  const parts = pattern.split(/(:\w+|\*)/).map((part) => {
    if (part === '*') return '.*'
    return part.startsWith(':') ? '[^/]+' : RegExp.escape(part)
  })
  return new RegExp(`^${parts.join('')}$`)
}

/** The path that the router matched, as it decodes it; an address that cannot be decoded never comes so far. */
function pathOf(address: string): string {
  const end = address.search(/[?#]/)
  const path = withoutTrailingSlash(end < 0 ? address : address.slice(0, end))
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
