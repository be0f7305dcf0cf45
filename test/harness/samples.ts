/** The samples of a server's /metrics page at one moment. */
export interface Samples {
  /** Sum of all samples of `name` whose labels include `labels`; 0 when there are none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number
  /** Every sample of `name`, with its labels. */
  all(name: string): readonly Sample[]
}

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const samplePattern = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const labelPattern = /(\w+)="((?:[^"\\]|\\.)*)"/g

/** Reads the Prometheus text form. */
export function parseSamples(text: string): Samples {
  const samples = text.split('\n').flatMap(parseLine)
  const all = (name: string): readonly Sample[] => samples.filter((sample) => sample.name === name)
  return {
    all,
    sum(name, labels = {}) {
      const wanted = Object.entries(labels)
      return all(name)
        .filter((sample) => wanted.every(([label, value]) => sample.labels[label] === value))
        .reduce((sum, sample) => sum + sample.value, 0)
    },
  }
}

function parseLine(line: string): Sample[] {
  const match = samplePattern.exec(line)
  if (match === null) return []
  const [, name = '', labelText = '', value = ''] = match
  const labels = Object.fromEntries([...labelText.matchAll(labelPattern)].map(([, label, text]) => [label, text]))
  return [{ name, labels, value: Number(value) }]
}
