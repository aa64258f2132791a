import { exampleSuite, FACTS } from './example-suite.ts'

exampleSuite(FACTS)
