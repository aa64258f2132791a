export type PropertyValue = string | number | boolean

/** What the product itself knows of a user. */
export interface UserFacts {
  /** in units of the currency */
  ltv: number
  purchases: number
  /** epoch ms; `null`: not known */
  lastPurchaseTimestamp: number | null
  /** epoch ms; `null`: not known */
  lastAppOpenTimestamp: number | null
}

export interface VipVerdict {
  vip: boolean
  /** why the condition failed on this user, a sentence that names the property; never its value */
  failure: string | null
  /** the property, or the fact, that the failure is about */
  failedProperty: string | null
  /** epoch ms at which time alone may change the verdict */
  dueTimestamp: number | null
}

/** A compiled `vipIndicator`: stateless, so that one serves any number of users. */
export interface VipRule {
  source: string
  kind: 'property' | 'condition'
  /** every property key that it can read: no other has to be fetched */
  propertyKeys: readonly string[]
  /** every fact that it can read */
  factNames: readonly (keyof UserFacts)[]
  /** neither properties nor time have a say: of the same facts the verdict is the same */
  isOfFactsAlone: boolean
  evaluate(facts: UserFacts, properties: ReadonlyMap<string, PropertyValue>, nowTimestamp: number): VipVerdict
}
