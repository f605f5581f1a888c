import { Injectable } from '@nestjs/common';
import { EventLoopPace } from '../../core/event-loop-pace.js';
import { Problem } from '../../core/problem.js';
import { type Finding, within } from '../../core/workflows/findings.js';
import type { Graph, Step } from '../../core/workflows/graph.js';
import { Reading, readNodes, readPrompt, readSteps } from '../../core/workflows/read-forms.js';
import { type ExpressionReader, validateGraph } from '../../core/workflows/validate-graph.js';
import { AgentsReader } from '../../fleet/agents/agents.reader.js';
import { BoardsReader } from '../../fleet/boards/boards.reader.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Expressions } from '../../platform/expressions/expressions.js';
import { ExpressionError } from '../../platform/expressions/syntax.js';
import { jsonSchemas } from '../../platform/json-schema/json-schemas.js';
import { type Reference, referencesOf } from './workflow-references.js';
import type { WorkflowForm } from './workflow-version.entity.js';
import { WorkflowsRepository } from './workflows.repository.js';
import type { ReadWorkflow, WrittenWorkflow } from './written-workflow.js';

/** As it is stored, with what was left out. */
const LARGEST_GRAPH = 4_194_304;

/** Makes a graph of a workflow as it was written, and says all that is wrong with it at once, each by its place in what was sent. */
@Injectable()
export class WorkflowReader {
  private readonly expressions: ExpressionReader;

  constructor(
    private readonly context: RequestContext,
    private readonly repository: WorkflowsRepository,
    private readonly agents: AgentsReader,
    private readonly boards: BoardsReader,
    expressions: Expressions,
  ) {
    this.expressions = { inText: (text) => expressions.in(text), read: (text) => syntaxIn(expressions, text) };
  }

  /** @param id of the workflow, where there is one: it must not run itself @throws Problem `workflow_invalid` */
  async read(written: WrittenWorkflow, id?: string): Promise<ReadWorkflow> {
    const { findings, workflow } = await this.look(written, id);
    if (findings.length > 0) throw invalidWorkflow(findings);
    return workflow;
  }

  /** The same without a refusal. */
  async look(written: WrittenWorkflow, id?: string): Promise<{ findings: Finding[]; workflow: ReadWorkflow }> {
    const reading = new Reading(new EventLoopPace());
    const { form, steps } = await stepsOf(written, reading);
    const graph: Graph = {
      steps,
      ...(written.output === undefined || written.output === null ? {} : { output: written.output }),
      ...(written.timeout_seconds === undefined || written.timeout_seconds === null ? {} : { timeout_seconds: written.timeout_seconds }),
      ...(written.parameters ? { parameters: written.parameters } : {}),
    };
    const bytes = Buffer.byteLength(JSON.stringify(graph));
    if (bytes > LARGEST_GRAPH) reading.findings.add('', 'limit', `A workflow has ${LARGEST_GRAPH} bytes at most, and this one ${bytes}.`);
    else await validateGraph(graph, reading, this.expressions);
    this.schemas(written, reading);
    const children = await this.references(steps, reading, id);
    return { findings: reading.findings.told(), workflow: { form, graph, stepCount: reading.count, children, inputSchema: written.input_schema ?? null, parametersSchema: written.parameters_schema ?? null } };
  }

  private schemas({ input_schema: input, parameters_schema: parameters, parameters: given }: WrittenWorkflow, { findings }: Reading): void {
    for (const [name, schema] of [['input_schema', input], ['parameters_schema', parameters]] as const) {
      if (schema === undefined || schema === null) continue;
      for (const { place, message } of jsonSchemas.findings(schema)) findings.add(within(name, place), 'bad_schema', message);
    }
    if (!parameters || !given) return;
    for (const { place, message } of jsonSchemas.violations(parameters, given)) findings.add(within('parameters', place), 'bad_parameters', message);
  }

  /** @returns the workflows that it runs */
  private async references(steps: readonly Step[], reading: Reading, id?: string): Promise<string[]> {
    const { findings } = reading;
    const { agents, slugs, boards, workflows } = referencesOf(steps, reading);
    const tell = (of: readonly Reference[], known: ReadonlySet<string>, code: 'unknown_agent' | 'unknown_board' | 'unknown_workflow', what: string): void => {
      for (const { value, place } of of) if (!known.has(value)) findings.add(place, code, `There is no such ${what}.`);
    };
    const { tenantId } = this.context;
    tell(agents, new Set((await this.agents.findMany(valuesOf(agents))).map((agent) => agent.id)), 'unknown_agent', 'agent');
    tell(slugs, new Set((await this.agents.idsOfSlugs(valuesOf(slugs))).keys()), 'unknown_agent', 'agent');
    tell(boards, await this.boards.existing(valuesOf(boards)), 'unknown_board', 'board');
    const children = valuesOf(workflows);
    tell(workflows, await this.repository.existing(tenantId, children), 'unknown_workflow', 'workflow');
    const back = id === undefined ? new Set<string>() : await this.repository.leadingTo(tenantId, children, id);
    for (const { value, place } of workflows) if (back.has(value)) findings.add(place, 'recursion', 'It would come to run itself.');
    return children;
  }
}

async function stepsOf({ steps, nodes, edges = [], prompt, agent_id: agentId, agent }: WrittenWorkflow, reading: Reading): Promise<{ form: WorkflowForm; steps: Step[] }> {
  if (nodes) return { form: 'nodes', steps: await readNodes(nodes, edges, reading) };
  if (prompt !== undefined) return { form: 'prompt', steps: await readPrompt(prompt, { ...(agentId ? { agent_id: agentId } : {}), ...(agent === undefined ? {} : { agent }) }, reading) };
  return { form: 'steps', steps: await readSteps(steps ?? [], reading) };
}

const valuesOf = (references: readonly Reference[]): string[] => [...new Set(references.map(({ value }) => value))];

export function invalidWorkflow(errors: readonly Finding[]): Problem {
  const [first] = errors;
  return new Problem('workflow_invalid', { detail: first ? `${first.field === '' ? '' : `${first.field}: `}${first.message}` : 'It is not valid.', errors: [...errors] });
}

function syntaxIn(expressions: Expressions, text: string): ReturnType<ExpressionReader['read']> {
  try {
    return expressions.syntax(text);
  } catch (error) {
    if (error instanceof ExpressionError) return { message: error.message, position: error.position };
    throw error;
  }
}
