import { Body, Delete, Get, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import type { Response } from 'express';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { WorkflowViews } from './workflow-views.service.js';
import { AddStepDto, CreateWorkflowDto, DiagramQuery, InstantiateWorkflowDto, ListWorkflowsQuery, UpdateWorkflowDto, WrittenWorkflowDto } from './workflows.dto.js';
import { WorkflowsService } from './workflows.service.js';
import { ListedWorkflowView, toVersionDetailView, toVersionView, toWorkflowView, WorkflowValidationView, WorkflowVersionDetailView, WorkflowVersionView, WorkflowView } from './workflows.view.js';

@ApiController('workflows', 'Work / Workflows')
export class WorkflowsController {
  constructor(
    private readonly workflows: WorkflowsService,
    private readonly views: WorkflowViews,
  ) {}

  /** Lists workflows, newest first; filters combine. */
  @Get()
  @Operation({ id: 'listWorkflows', allow: 'workflow:read', returns: pageOf(ListedWorkflowView) })
  list(@Query() query: ListWorkflowsQuery): Promise<Page<ListedWorkflowView>> {
    return this.views.list(query);
  }

  /** Creates a workflow. In one of three forms: steps that name what they depend on; nodes and edges; or a prompt, with an agent and a schedule. All of them are stored as one graph and read back as each. */
  @Post()
  @Operation({ id: 'createWorkflow', allow: 'workflow:write', returns: WorkflowView, status: 201, problems: ['workflow_invalid', 'unprocessable', 'plan_limit_reached'] })
  async create(@Body() body: CreateWorkflowDto): Promise<WorkflowView> {
    const { workflow, version } = await this.workflows.create(body);
    return toWorkflowView(workflow, version);
  }

  /** Says all that is wrong with a workflow, by its place in what was sent. Nothing is stored. */
  @Post('validate')
  @Operation({ id: 'validateWorkflow', allow: 'workflow:read', returns: WorkflowValidationView })
  validate(@Body() body: WrittenWorkflowDto): Promise<WorkflowValidationView> {
    return this.views.validate(body);
  }

  /** Reads a workflow. With what its newest version does, in all forms. */
  @Get(':id')
  @Operation({ id: 'getWorkflow', allow: 'workflow:read', returns: WorkflowView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<WorkflowView> {
    const { workflow, version } = await this.workflows.get(id);
    return toWorkflowView(workflow, version);
  }

  /** Changes a workflow. What is left out stays; a change of what it does makes a new version, and runs that have begun keep theirs. */
  @Patch(':id')
  @Operation({ id: 'updateWorkflow', allow: 'workflow:write', returns: WorkflowView, problems: ['not_found', 'workflow_invalid', 'unprocessable', 'precondition_failed'] })
  async update(@Param('id', Uuid) id: string, @Body() body: UpdateWorkflowDto): Promise<WorkflowView> {
    const { workflow, version } = await this.workflows.update(id, body);
    return toWorkflowView(workflow, version);
  }

  /** Changes a workflow. The same as PATCH. */
  @Put(':id')
  @Operation({ id: 'putWorkflow', allow: 'workflow:write', returns: WorkflowView, problems: ['not_found', 'workflow_invalid', 'unprocessable', 'precondition_failed'] })
  put(@Param('id', Uuid) id: string, @Body() body: UpdateWorkflowDto): Promise<WorkflowView> {
    return this.update(id, body);
  }

  /** Deletes a workflow and its runs. One whose runs go on is refused. */
  @Delete(':id')
  @Operation({ id: 'deleteWorkflow', allow: 'workflow:write', returns: NO_CONTENT, problems: ['not_found', 'conflict', 'precondition_failed'] })
  async delete(@Param('id', Uuid) id: string): Promise<void> {
    await this.workflows.delete(id);
  }

  /** Adds a step. It makes a new version; left out, what it depends on is the step that stands before it. */
  @Post(':id/steps')
  @Operation({ id: 'addWorkflowStep', allow: 'workflow:write', returns: WorkflowView, status: 201, problems: ['not_found', 'workflow_invalid', 'precondition_failed'] })
  async addStep(@Param('id', Uuid) id: string, @Body() body: AddStepDto): Promise<WorkflowView> {
    const { workflow, version } = await this.workflows.addStep(id, body);
    return toWorkflowView(workflow, version);
  }

  /** Makes a workflow of a template. Its parameters are held against the template's schema, and stay with it as $parameters. */
  @Post(':id/instantiate')
  @Operation({ id: 'instantiateWorkflow', allow: 'workflow:write', returns: WorkflowView, status: 201, problems: ['not_found', 'workflow_invalid', 'conflict', 'plan_limit_reached'] })
  async instantiate(@Param('id', Uuid) id: string, @Body() body: InstantiateWorkflowDto): Promise<WorkflowView> {
    const { workflow, version } = await this.workflows.instantiate(id, body);
    return toWorkflowView(workflow, version);
  }

  /** Lists the versions of a workflow, newest first. */
  @Get(':id/versions')
  @Operation({ id: 'listWorkflowVersions', allow: 'workflow:read', returns: pageOf(WorkflowVersionView), problems: ['not_found'] })
  async versions(@Param('id', Uuid) id: string, @Query() query: PageQuery): Promise<Page<WorkflowVersionView>> {
    return mapPage(await this.workflows.versions(id, query), toVersionView);
  }

  /** Reads a version of a workflow. It never changes. */
  @Get(':id/versions/:version')
  @ApiParam({ name: 'version', description: 'Which one, from 1.', schema: { type: 'integer', minimum: 1, maximum: 2_147_483_647 }, example: 1 })
  @Operation({ id: 'getWorkflowVersion', allow: 'workflow:read', returns: WorkflowVersionDetailView, problems: ['not_found'] })
  async version(@Param('id', Uuid) id: string, @Param('version') version: string): Promise<WorkflowVersionDetailView> {
    return toVersionDetailView(await this.workflows.versionNamed(id, version));
  }

  /** Draws a workflow. As SVG, or as Mermaid. */
  @Get(':id/diagram')
  @Operation({ id: 'getWorkflowDiagram', allow: 'workflow:read', returns: { text: 'image/svg+xml' }, problems: ['not_found'] })
  async diagram(@Param('id', Uuid) id: string, @Query() { format = 'svg' }: DiagramQuery, @Res() response: Response): Promise<void> {
    response.type(format === 'svg' ? 'image/svg+xml' : 'text/plain').send(await this.views.diagram(id, format));
  }
}
