/** A sentence for the operator: what is wrong with the store, and what to do. */
export class StoreUnavailable extends Error {}
