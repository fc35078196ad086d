import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { readManifests } from '../../../cli/manifests.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** What is read of a folder with these files: the names of the objects, and what could not be read. */
function read(files: Readonly<Record<string, readonly unknown[]>>) {
  const folder = mkdtempSync(join(tmpdir(), 'manifests-'))
  folders.push(folder)
  for (const [name, documents] of Object.entries(files))
    writeFileSync(join(folder, name), documents.map((one) => stringify(one)).join('---\n'))
  const { manifests, errors } = readManifests(folder)
  return {
    names: manifests.map(({ object }) => object.metadata.name),
    errors: errors.map((error) => error.replace(`${folder}/`, '').replace(folder, 'FOLDER')),
  }
}

const model = (name: string) => ({
  apiVersion: 'substratus.ai/v1',
  kind: 'Model',
  metadata: { name },
  spec: { image: 'example.com/m' },
})
const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }
const listOf = (...items: readonly unknown[]) => ({
  apiVersion: 'v1',
  kind: 'List',
  metadata: { resourceVersion: '' },
  items,
})

describe('the manifests of a folder', () => {
  test.each<{
    when: string
    files: Readonly<Record<string, readonly unknown[]>>
    names?: readonly string[]
    errors?: readonly string[]
  }>([
    { when: 'objects', files: { 'm.yaml': [model('a'), secret, model('b')] }, names: ['a', 'b'] },
    {
      when: 'a kustomization beside them, with a kind or without',
      files: {
        'kustomization.yaml': [{ resources: ['m.yaml'] }],
        'm.yaml': [
          model('a'),
          { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' },
        ],
      },
      names: ['a'],
    },
    {
      when: 'a List, as kubectl get -o yaml prints several',
      files: { 'all.yaml': [listOf(model('a'), secret, model('b'))] },
      names: ['a', 'b'],
    },
    {
      when: 'a List without objects of ours',
      files: { 'all.yaml': [listOf(secret)] },
      errors: ['FOLDER: no object of substratus.ai'],
    },
    {
      when: 'an object of ours without a name',
      files: { 'm.yaml': [{ ...model('a'), metadata: {} }] },
      errors: ['m.yaml: Model: metadata.name: Required value'],
    },
    {
      when: 'an object whose name is a boolean to kubectl',
      files: { 'm.yaml': [{ ...model('a'), metadata: { name: false } }] },
      errors: [
        'm.yaml: Model: metadata.name: Invalid value: must be a string, not a boolean: write it in quotes',
      ],
    },
    {
      when: 'the same in a List, with something that is not an object',
      files: { 'm.yaml': [listOf({ ...model('a'), metadata: null }, null)] },
      errors: [
        'm.yaml: Model: metadata.name: Required value',
        'm.yaml: not a Kubernetes object: kind: Required value',
      ],
    },
    {
      when: 'an unknown kind',
      files: { 'm.yaml': [{ ...model('a'), kind: 'Server' }] },
      errors: ['m.yaml: substratus.ai/v1 has no kind "Server"'],
    },
    {
      when: 'something that is not an object',
      files: { 'm.yaml': ['text', 5] },
      errors: [
        'm.yaml: not a Kubernetes object: kind: Required value',
        'm.yaml: not a Kubernetes object: kind: Required value',
      ],
    },
  ])('$when', ({ files, names = [], errors = [] }) => {
    expect(read(files)).toEqual({ names, errors })
  })
})
