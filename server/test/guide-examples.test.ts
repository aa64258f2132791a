import { exampleSuite, OTHERS } from './example-suite.ts'

exampleSuite(OTHERS)
