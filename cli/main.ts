#!/usr/bin/env node
import { runProgram } from '../terminal/program.ts'
import { program } from './program.ts'

await runProgram(program)
