import { exampleSuite, LONG } from './example-suite.ts'

exampleSuite(LONG)
