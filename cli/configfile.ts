import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { type Config, configOf } from '../crds/config.ts'
import { sentence } from '../crds/schema/validator.ts'
import { asKubectl } from './kubectlyaml.ts'

/** Reads the configuration. The error for an invalid one has the file, the field and the reason. */
export function readConfig(file: string | undefined): Config {
  const result = configOf(file === undefined ? {} : parse(readFileSync(file, 'utf8'), asKubectl))
  if ('config' in result) return result.config
  throw new Error(`${file}: ${result.errors.map(sentence).join('; ')}`)
}

/** For commands without a cluster, which need a registry for the names of images. */
export function offlineConfig(file: string | undefined): Config {
  const config = readConfig(file)
  return config.registry.prefix
    ? config
    : { ...config, registry: { ...config.registry, prefix: 'registry.example.com/substratus' } }
}
